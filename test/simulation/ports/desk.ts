/** Questions to all executors on core subjects of the simulated server. */
import { decodeExecutor, encodeExecutor } from "../../../internal/contract/notices.ts";
import {
  type ClusterView,
  type ExecutorView,
  isComplete,
  merged,
} from "../../../internal/core/cluster-view.ts";
import type { Desk } from "../../../internal/ports/desk.ts";
import type { Subscription } from "../../../internal/ports/presence.ts";
import type { Client } from "./client.ts";
import { readOnce, subscribe } from "./core.ts";

export class SimDesk implements Desk {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  serve(answer: () => ExecutorView | undefined): Promise<Subscription> {
    const { link, server } = this.#client;
    return subscribe(this.#client, server.names.desk, (_, reply) => {
      const view = answer();
      if (view === undefined) return;
      const bytes = encodeExecutor(view);
      link.toServer("the desk answers", () => reply(bytes));
    });
  }

  ask(timeoutMs: number): Promise<ClusterView | undefined> {
    const { link, server, clock } = this.#client;
    const answers: ExecutorView[] = [];
    return new Promise((resolve) => {
      const timer = clock.after(timeoutMs, () => resolve(merged(answers)));
      const settle = (): void => {
        timer.cancel();
        resolve(merged(answers));
      };
      link.toServer("ask the desk", () => {
        const heard = server.core.publish(server.names.desk, new Uint8Array(), (bytes) => {
          link.toClient("the desk's answer", () => {
            const decoded = readOnce(bytes, decodeExecutor);
            if ("value" in decoded) answers.push(decoded.value);
            if ("wrong" in decoded || isComplete(answers)) settle();
          });
        });
        if (heard === 0) link.toClient("nobody at the desk", settle);
      });
    });
  }
}
