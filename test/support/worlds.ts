/** The same ports twice: in memory and on a real nats-server. */
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import { systemClock, systemRandom } from "../../internal/memory/system.ts";
import { openCluster } from "../../internal/nats/cluster.ts";
import type { Blobs } from "../../internal/ports/blobs.ts";
import type { DeadLetters } from "../../internal/ports/dead-letters.ts";
import type { Desk } from "../../internal/ports/desk.ts";
import type { Lease } from "../../internal/ports/lease.ts";
import type { Presence } from "../../internal/ports/presence.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import type { TaskQueue } from "../../internal/ports/task-queue.ts";
import { TestServer } from "./nats-server.ts";

export interface World {
  readonly log: RunLog;
  readonly queue: TaskQueue;
  readonly blobs: Blobs;
  readonly presence: Presence;
  readonly lease: Lease;
  readonly deadLetters: DeadLetters;
  readonly desk: Desk;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Short, so that tests of what happens after them are quick. */
export const ACK_WAIT_MS = 1_000;
export const LEASE_TERM_MS = 1_000;

export const WORLDS: Readonly<Record<string, () => Promise<World>>> = {
  memory: async () => {
    const cluster = new MemoryCluster({
      clock: systemClock,
      leaseTermMs: LEASE_TERM_MS,
      ackWaitMs: ACK_WAIT_MS,
    });
    return { ...spread(cluster), [Symbol.asyncDispose]: async () => undefined };
  },
  nats: async () => {
    const server = await TestServer.start();
    const cluster = await openCluster({
      servers: server.url,
      name: "test",
      namespace: `t-${systemRandom.id().toLowerCase()}`,
      ackWaitMs: ACK_WAIT_MS,
      leaseTermMs: LEASE_TERM_MS,
      onTrouble: () => undefined,
      onDeadLetter: () => undefined,
    });
    return {
      ...spread(cluster),
      [Symbol.asyncDispose]: async () => {
        await cluster.close();
        await server[Symbol.asyncDispose]();
      },
    };
  },
};

function spread({
  log,
  queue,
  blobs,
  presence,
  lease,
  deadLetters,
  desk,
}: Omit<World, symbol>): Omit<World, symbol> {
  return { log, queue, blobs, presence, lease, deadLetters, desk };
}
