import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg, NatsConnection, SubscriptionOptions } from "@nats-io/transport-node";
import type { Names } from "../contract/subjects.ts";
import type { Publisher } from "./publisher.ts";

/** What the adapters share. */
export interface Context {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly publisher: Publisher;
  /** Aborted when the adapters are closed. */
  readonly closing: AbortSignal;
  /** Whether a consumer may have several filters: the server is 2.10 or newer. */
  readonly takesFilters: boolean;
  /** Whether the connection stands. */
  isUp(): boolean;
  /** What the operator should know; it passes by itself, or somebody has to see to it. */
  onTrouble(what: string): void;
  /** Puts a message aside that cannot be read; resolves once it is stored. Does not reject: what goes wrong is told, and `false` returned. */
  putAside(subject: string, reason: string, bytes: Uint8Array): Promise<boolean>;
}

/**
 * Options of a subscription whose messages `handle` gets. The client calls back from within the loop that reads
 * the connection, and an error that gets out ends this loop for good: the connection is deaf from then on.
 */
export function guarded(
  onTrouble: (what: string) => void,
  what: string,
  handle: (message: Msg) => void,
): SubscriptionOptions {
  return {
    callback: (error, message) => {
      try {
        if (error === null) handle(message);
        else onTrouble(`${what}: ${error.message}`);
      } catch (thrown) {
        onTrouble(`${what}: ${String(thrown)}`);
      }
    },
  };
}

const REPEAT_MS = 10_000;
const MAX_REMEMBERED = 100;

/** Tells the same thing once in 10 s: hundreds of messages may meet the same trouble each second. */
export function seldom(onTrouble: (what: string) => void): (what: string) => void {
  const toldAt = new Map<string, number>();
  return (what) => {
    const now = performance.now();
    if (now - (toldAt.get(what) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    if (toldAt.size >= MAX_REMEMBERED) toldAt.clear();
    toldAt.set(what, now);
    onTrouble(what);
  };
}
