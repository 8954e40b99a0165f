/** Notices and commands on core NATS. */
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Decoded } from "../contract/codec.ts";
import {
  decodeCluster,
  decodeCommand,
  decodeHeartbeat,
  decodeTook,
  encodeCluster,
  encodeCommand,
  encodeHeartbeat,
  encodeTook,
} from "../contract/notices.ts";
import type { Names } from "../contract/subjects.ts";
import type { ClusterView, Desk } from "../ports/desk.ts";
import type {
  Heartbeat,
  Presence,
  PresenceHandlers,
  Subscription,
  Took,
  WorkerCommand,
} from "../ports/presence.ts";

export interface NatsPresenceOptions {
  readonly nc: NatsConnection;
  readonly names: Names;
  onBad(subject: string, reason: string, bytes: Uint8Array): void;
}

export class NatsPresence implements Presence {
  readonly #options: NatsPresenceOptions;
  readonly #watchers = new Set<PresenceHandlers>();

  constructor(options: NatsPresenceOptions) {
    this.#options = options;
  }

  heartbeat(beat: Heartbeat): void {
    this.#tell(this.#options.names.heartbeat(beat.incarnation), encodeHeartbeat(beat));
  }

  took(notice: Took): void {
    this.#tell(this.#options.names.took(notice.incarnation), encodeTook(notice));
  }

  async onCommand(incarnation: string, handler: (command: WorkerCommand) => void): Promise<Subscription> {
    const { names } = this.#options;
    const hear = (subject: string): Subscription => this.#hear(subject, decodeCommand, handler);
    return joined([hear(names.commandToAll), hear(names.commandTo(incarnation))]);
  }

  async watch(handlers: PresenceHandlers): Promise<Subscription> {
    const { names, nc } = this.#options;
    this.#watchers.add(handlers);
    const heartbeats = this.#hear(names.heartbeat("*"), decodeHeartbeat, (beat) => handlers.heartbeat(beat));
    const notices = this.#hear(names.took("*"), decodeTook, (notice) => handlers.took(notice));
    await nc.flush();
    const forget = { stop: async () => void this.#watchers.delete(handlers) };
    return joined([heartbeats, notices, forget]);
  }

  command(command: WorkerCommand, incarnation?: string): void {
    const { names } = this.#options;
    const subject = incarnation === undefined ? names.commandToAll : names.commandTo(incarnation);
    this.#tell(subject, encodeCommand(command));
  }

  reconnected(): void {
    for (const watcher of this.#watchers) watcher.reconnected();
  }

  /** May be lost: what matters is told again with the next heartbeat. */
  #tell(subject: string, bytes: Uint8Array): void {
    if (!this.#options.nc.isClosed()) this.#options.nc.publish(subject, bytes);
  }

  #hear<T>(
    subject: string,
    decode: (bytes: Uint8Array) => Decoded<T>,
    handler: (value: T) => void,
  ): Subscription {
    const subscription = this.#options.nc.subscribe(subject, {
      callback: (_error, message: Msg) => {
        const decoded = decode(message.data);
        if ("wrong" in decoded) this.#options.onBad(message.subject, decoded.wrong, message.data);
        else handler(decoded.value);
      },
    });
    return { stop: async () => subscription.unsubscribe() };
  }
}

export class NatsDesk implements Desk {
  readonly #nc: NatsConnection;
  readonly #names: Names;

  constructor({ nc, names }: NatsPresenceOptions) {
    this.#nc = nc;
    this.#names = names;
  }

  async serve(answer: () => ClusterView): Promise<Subscription> {
    const subscription = this.#nc.subscribe(this.#names.desk, {
      callback: (_error, message) => {
        message.respond(encodeCluster(answer()));
      },
    });
    await this.#nc.flush();
    return { stop: async () => subscription.unsubscribe() };
  }

  async ask(timeoutMs: number): Promise<ClusterView | undefined> {
    try {
      const { data } = await this.#nc.request(this.#names.desk, new Uint8Array(), { timeout: timeoutMs });
      const decoded = decodeCluster(data);
      return "wrong" in decoded ? undefined : decoded.value;
    } catch {
      // No responders or no answer in time: there is no executor to ask.
      return undefined;
    }
  }
}

function joined(subscriptions: readonly Subscription[]): Subscription {
  return {
    stop: async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    },
  };
}
