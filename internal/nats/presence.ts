/** Notices and commands on core NATS. */
import type { Decoded } from "../contract/codec.ts";
import {
  decodeCommand,
  decodeHeartbeat,
  decodeTook,
  encodeCommand,
  encodeHeartbeat,
  encodeTook,
} from "../contract/notices.ts";
import type {
  Heartbeat,
  Presence,
  PresenceHandlers,
  ProbeAnswer,
  Subscription,
  Took,
  WorkerCommand,
} from "../ports/presence.ts";
import { isNobodyThere } from "./answers.ts";
import { type Context, guarded } from "./context.ts";

/** What it needs of the connection. */
export type PresenceContext = Pick<Context, "nc" | "names" | "isUp" | "onTrouble" | "putAside">;

const NOTHING = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class NatsPresence implements Presence {
  readonly #context: PresenceContext;
  readonly #watchers = new Set<PresenceHandlers>();

  constructor(context: PresenceContext) {
    this.#context = context;
  }

  heartbeat(beat: Heartbeat): void {
    this.#tell(this.#context.names.heartbeat(beat.incarnation), encodeHeartbeat(beat));
  }

  took(notice: Took): void {
    this.#tell(this.#context.names.took(notice.incarnation), encodeTook(notice));
  }

  async onCommand(incarnation: string, handler: (command: WorkerCommand) => void): Promise<Subscription> {
    const { names } = this.#context;
    const subjects = [names.commandToAll, names.commandTo(incarnation)];
    const subscriptions = subjects.map((subject) => this.#hear(subject, decodeCommand, handler));
    subscriptions.push(this.#answer(names.probe(incarnation)));
    await this.#known();
    return joined(subscriptions);
  }

  async watch(handlers: PresenceHandlers): Promise<Subscription> {
    const { names } = this.#context;
    this.#watchers.add(handlers);
    const heartbeats = this.#hear(names.heartbeat("*"), decodeHeartbeat, (beat) => handlers.heartbeat(beat));
    const notices = this.#hear(names.took("*"), decodeTook, (notice) => handlers.took(notice));
    await this.#known();
    const forget = { stop: async () => void this.#watchers.delete(handlers) };
    return joined([heartbeats, notices, forget]);
  }

  command(command: WorkerCommand, incarnation?: string): void {
    const { names } = this.#context;
    const subject = incarnation === undefined ? names.commandToAll : names.commandTo(incarnation);
    this.#tell(subject, encodeCommand(command));
  }

  async probe(incarnation: string, timeoutMs: number): Promise<ProbeAnswer> {
    const { nc, names } = this.#context;
    try {
      const { data } = await nc.request(names.probe(incarnation), NOTHING, { timeout: timeoutMs });
      return { kind: "there", server: decoder.decode(data) };
    } catch (error) {
      return { kind: isNobodyThere(error) ? "gone" : "late" };
    }
  }

  server(): string | undefined {
    const { nc, isUp } = this.#context;
    return isUp() ? nc.info?.server_id : undefined;
  }

  reconnected(): void {
    for (const watcher of this.#watchers) watcher.reconnected();
  }

  /** The server knows of all subscriptions so far; when the connection is lost now, it learns of them with the next. */
  async #known(): Promise<void> {
    await this.#context.nc.flush().catch(() => undefined);
  }

  /** May be lost: what matters is told again with the next heartbeat. */
  #tell(subject: string, bytes: Uint8Array): void {
    const { nc, onTrouble } = this.#context;
    if (nc.isClosed()) return;
    try {
      nc.publish(subject, bytes);
    } catch (error) {
      onTrouble(`a notice to ${subject} could not be sent: ${String(error)}`);
    }
  }

  #answer(subject: string): Subscription {
    const { nc, onTrouble } = this.#context;
    const subscription = nc.subscribe(
      subject,
      guarded(onTrouble, `answering ${subject}`, (message) => {
        message.respond(encoder.encode(this.server() ?? ""));
      }),
    );
    return { stop: async () => subscription.unsubscribe() };
  }

  #hear<T>(
    subject: string,
    decode: (bytes: Uint8Array) => Decoded<T>,
    handler: (value: T) => void,
  ): Subscription {
    const { nc, onTrouble, putAside } = this.#context;
    const subscription = nc.subscribe(
      subject,
      guarded(onTrouble, `hearing ${subject}`, (message) => {
        const decoded = decode(message.data);
        if ("wrong" in decoded) void putAside(message.subject, decoded.wrong, message.data);
        else handler(decoded.value);
      }),
    );
    return { stop: async () => subscription.unsubscribe() };
  }
}

function joined(subscriptions: readonly Subscription[]): Subscription {
  return {
    stop: async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    },
  };
}
