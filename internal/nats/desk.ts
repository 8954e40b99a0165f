/** Questions to the executors on core NATS: one question goes to all of them. */
import { decodeExecutor, encodeExecutor } from "../contract/notices.ts";
import { type ClusterView, type ExecutorView, isComplete, merged } from "../core/cluster-view.ts";
import type { Desk } from "../ports/desk.ts";
import type { Subscription } from "../ports/presence.ts";
import { ask } from "./ask.ts";
import { type Context, guarded } from "./context.ts";

const NOTHING = new Uint8Array();

export class NatsDesk implements Desk {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async serve(answer: () => ExecutorView | undefined): Promise<Subscription> {
    const { nc, names, onTrouble } = this.#context;
    const subscription = nc.subscribe(
      names.desk,
      guarded(onTrouble, "answering what is going on", (message) => {
        const view = answer();
        if (view === undefined) return;
        message.respond(fitting(view, nc.info?.max_payload ?? Number.POSITIVE_INFINITY));
      }),
    );
    await nc.flush().catch(() => undefined);
    return { stop: async () => subscription.unsubscribe() };
  }

  async ask(timeoutMs: number): Promise<ClusterView | undefined> {
    const { names } = this.#context;
    const answers: ExecutorView[] = [];
    await ask(this.#context, { subject: names.desk, bytes: NOTHING, timeoutMs }, (data) => {
      const answer = this.#read(data);
      if (answer !== undefined) answers.push(answer);
      return answer === undefined || isComplete(answers);
    });
    return merged(answers);
  }

  /** Nothing where there is no executor. */
  #read(data: Uint8Array): ExecutorView | undefined {
    // No responders.
    if (data.length === 0) return undefined;
    const decoded = decodeExecutor(data);
    if ("value" in decoded) return decoded.value;
    this.#context.onTrouble(`an executor's answer cannot be read: ${decoded.wrong}`);
    return undefined;
  }
}

/** An answer that one message can hold: of very many held attempts, only the first. */
function fitting(view: ExecutorView, limit: number): Uint8Array {
  const bytes = encodeExecutor(view);
  if (bytes.length <= limit) return bytes;
  const share = Math.floor((view.held.length * limit) / bytes.length / 2);
  return encodeExecutor({ ...view, held: view.held.slice(0, share) });
}
