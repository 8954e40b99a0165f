/** All ports on one connection. */
import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { type StreamSpec, streamSpecs } from "../contract/streams.ts";
import { Names } from "../contract/subjects.ts";
import type { DeadLetter } from "../ports/dead-letters.ts";
import { CODES, isApiError } from "./answers.ts";
import { NatsBlobs } from "./blobs.ts";
import { connectNats, type Connection, type ConnectOptions } from "./connection.ts";
import { NatsDeadLetters } from "./dead-letters.ts";
import { type NatsLease, openLease } from "./lease.ts";
import { NatsDesk, NatsPresence } from "./presence.ts";
import { Publisher } from "./publisher.ts";
import { NatsRunLog } from "./run-log.ts";
import { NatsTaskQueue } from "./task-queue.ts";

export interface ClusterOptions extends ConnectOptions {
  readonly namespace: string;
  readonly ackWaitMs: number;
  readonly leaseTermMs: number;
  /** What the operator should know, and what passes by itself. */
  onTrouble(what: string): void;
  /** A message was put aside. */
  onDeadLetter(letter: DeadLetter): void;
}

export interface NatsCluster {
  readonly log: NatsRunLog;
  readonly queue: NatsTaskQueue;
  readonly blobs: NatsBlobs;
  readonly presence: NatsPresence;
  readonly lease: NatsLease;
  readonly deadLetters: NatsDeadLetters;
  readonly desk: NatsDesk;
  /** Sends what is on its way and closes the connection. */
  close(): Promise<void>;
}

/** Connects, creates what is missing, and hands out the ports. Rejects with `ConnectFailed`. */
export async function openCluster(options: ClusterOptions): Promise<NatsCluster> {
  const connection = await connectNats(options);
  try {
    return await openPorts(connection, options);
  } catch (error) {
    await connection.nc.close();
    throw error;
  }
}

async function openPorts(
  { nc, js, jsm, warning }: Connection,
  options: ClusterOptions,
): Promise<NatsCluster> {
  const { onTrouble, onDeadLetter, ackWaitMs } = options;
  if (warning !== undefined) onTrouble(warning);
  const names = new Names(options.namespace);
  for (const spec of streamSpecs(names)) await ensureStream(jsm, spec);
  const lease = await openLease(js, names.leaseBucket, options.leaseTermMs);
  const publisher = new Publisher(nc, onTrouble);
  const deadLetters = new NatsDeadLetters({ nc, jsm, names });
  const onBad = (subject: string, reason: string, bytes: Uint8Array): void => {
    const letter = { subject, reason, bytes };
    onDeadLetter(letter);
    deadLetters
      .put(letter)
      .catch((error: unknown) => onTrouble(`a bad message could not be put aside: ${String(error)}`));
  };
  const base = { nc, js, jsm, names, publisher, onBad, onTrouble };
  const queue = new NatsTaskQueue({ ...base, ackWaitMs });
  const presence = new NatsPresence(base);
  void watchConnection(nc, [publisher, queue, presence]);
  return {
    log: new NatsRunLog(base),
    blobs: new NatsBlobs(base),
    desk: new NatsDesk(base),
    queue,
    presence,
    lease,
    deadLetters,
    close: async () => {
      await nc.flush().catch(() => undefined);
      publisher.close();
      await nc.close();
    },
  };
}

/** What was sent on the connection before may be lost; everybody starts over on the new one. */
async function watchConnection(
  nc: Connection["nc"],
  parts: readonly { reconnected(): void }[],
): Promise<void> {
  for await (const status of nc.status()) {
    if (status.type === "reconnect") for (const part of parts) part.reconnected();
  }
}

async function ensureStream(jsm: JetStreamManager, spec: StreamSpec): Promise<void> {
  try {
    await jsm.streams.info(spec.name);
    return;
  } catch (error) {
    if (!isApiError(error, CODES.streamNotFound)) throw error;
  }
  try {
    await jsm.streams.add({
      name: spec.name,
      subjects: [spec.subjects],
      retention: spec.retention === "workqueue" ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
      storage: StorageType.File,
      allow_direct: true,
      max_msgs_per_subject: 1,
      ...(spec.perSubject === "first"
        ? { discard: DiscardPolicy.New, discard_new_per_subject: true }
        : { discard: DiscardPolicy.Old }),
      ...(spec.keepNewest === undefined
        ? {}
        : { max_msgs: spec.keepNewest.messages, max_bytes: spec.keepNewest.bytes }),
    });
  } catch (error) {
    // Another process was first.
    if (!isApiError(error, CODES.streamExists)) throw error;
  }
}
