/** Notices and commands on core subjects of the simulated server. */
import {
  decodeCommand,
  decodeHeartbeat,
  decodeTook,
  encodeCommand,
  encodeHeartbeat,
  encodeTook,
} from "../../../internal/contract/notices.ts";
import type { Decoded } from "../../../internal/contract/codec.ts";
import type {
  Heartbeat,
  Presence,
  PresenceHandlers,
  ProbeAnswer,
  Subscription,
  Took,
  WorkerCommand,
} from "../../../internal/ports/presence.ts";
import type { Client } from "./client.ts";
import { askCore, joined, readOnce, subscribe } from "./core.ts";

const NOTHING = new Uint8Array();

export class SimPresence implements Presence {
  readonly #client: Client;
  readonly #watchers = new Set<PresenceHandlers>();

  constructor(client: Client) {
    this.#client = client;
    client.link.onReconnect(() => {
      for (const watcher of this.#watchers) watcher.reconnected();
    });
  }

  heartbeat(beat: Heartbeat): void {
    this.#tell(this.#client.server.names.heartbeat(beat.incarnation), encodeHeartbeat(beat));
  }
  took(notice: Took): void {
    this.#tell(this.#client.server.names.took(notice.incarnation), encodeTook(notice));
  }
  command(command: WorkerCommand, incarnation?: string): void {
    const { names } = this.#client.server;
    const subject = incarnation === undefined ? names.commandToAll : names.commandTo(incarnation);
    this.#tell(subject, encodeCommand(command));
  }

  async onCommand(incarnation: string, handler: (command: WorkerCommand) => void): Promise<Subscription> {
    const { names } = this.#client.server;
    const subjects = [names.commandToAll, names.commandTo(incarnation)];
    const heard = subjects.map((subject) => this.#hear(subject, decodeCommand, handler));
    const answered = subscribe(this.#client, names.probe(incarnation), (_, reply) => {
      const bytes = new TextEncoder().encode(this.server() ?? "");
      this.#client.link.toServer("answer to a probe", () => reply(bytes));
    });
    return joined(await Promise.all([...heard, answered]));
  }

  probe(incarnation: string, timeoutMs: number): Promise<ProbeAnswer> {
    const { server } = this.#client;
    return askCore(this.#client, {
      subject: server.names.probe(incarnation),
      bytes: NOTHING,
      timeoutMs,
    }).then((answer) =>
      answer.kind === "answered"
        ? { kind: "there", server: new TextDecoder().decode(answer.bytes) }
        : { kind: answer.kind },
    );
  }

  server(): string | undefined {
    const { link } = this.#client;
    return link.isUp ? link.node : undefined;
  }

  async watch(handlers: PresenceHandlers): Promise<Subscription> {
    const { names } = this.#client.server;
    this.#watchers.add(handlers);
    const heard = [
      await this.#hear(names.heartbeat("*"), decodeHeartbeat, (beat) => handlers.heartbeat(beat)),
      await this.#hear(names.took("*"), decodeTook, (notice) => handlers.took(notice)),
    ];
    return joined([...heard, { stop: async () => void this.#watchers.delete(handlers) }]);
  }

  #tell(subject: string, bytes: Uint8Array): void {
    const { link, server } = this.#client;
    link.toServer(subject, () => void server.core.publish(subject, bytes));
  }

  #hear<T>(
    subject: string,
    decode: (bytes: Uint8Array) => Decoded<T>,
    handler: (value: T) => void,
  ): Promise<Subscription> {
    return subscribe(this.#client, subject, (bytes) => {
      const decoded = readOnce(bytes, decode);
      if ("value" in decoded) handler(decoded.value);
    });
  }
}
