/** All ports on one connection. */
import { setMaxListeners } from "node:events";
import { PermissionViolationError, type Status } from "@nats-io/transport-node";
import { type LogBounds, streamSpecs } from "../contract/streams.ts";
import { Names } from "../contract/subjects.ts";
import type { UnreadableLetter } from "../ports/dead-letters.ts";
import type { Link } from "../ports/link.ts";
import type { Pressure } from "../ports/storing.ts";
import { NatsLogs } from "./attempt-logs.ts";
import { NatsBlobs } from "./blobs.ts";
import { NatsCatalog } from "./catalog.ts";
import { NatsCheckpoints } from "./checkpoints.ts";
import { connectNats, type Connection, type ConnectOptions } from "./connection.ts";
import { type Context, seldom } from "./context.ts";
import { NatsDeadLetters } from "./dead-letters.ts";
import { NatsDesk } from "./desk.ts";
import { NatsHistory } from "./history.ts";
import { type NatsLeases, openLeases } from "./leases.ts";
import { ensureLogs } from "./log-stream.ts";
import { NatsLink } from "./link.ts";
import { within } from "./patience.ts";
import { NatsOriginals } from "./originals.ts";
import { NatsPresence } from "./presence.ts";
import { Publisher } from "./publisher.ts";
import { pressureOf } from "./pressure.ts";
import { NatsReferee } from "./referee.ts";
import { NatsRunLog } from "./run-log.ts";
import { ensureStream } from "./streams.ts";
import { boundValues } from "./value-room.ts";
import { NatsTaskQueue } from "./task-queue.ts";

export interface ClusterOptions extends ConnectOptions {
  readonly namespace: string;
  readonly ackWaitMs: number;
  readonly leaseTermMs: number;
  /** How much is kept of the logs of tasks. Default: as it is, or 1 GiB and 7 days where nobody has said so yet. */
  readonly logBounds?: LogBounds;
  /** How many bytes values may take that are stored apart. Default: as it is, and at first no limit. */
  readonly valuesBytes?: number;
  /** What the operator should know, and what passes by itself. */
  onTrouble(what: string): void;
  /** A message was put aside. */
  onDeadLetter(letter: UnreadableLetter): void;
}

export interface NatsCluster {
  readonly log: NatsRunLog;
  readonly queue: NatsTaskQueue;
  readonly blobs: NatsBlobs;
  readonly presence: NatsPresence;
  readonly leases: NatsLeases;
  readonly deadLetters: NatsDeadLetters;
  readonly originals: NatsOriginals;
  readonly desk: NatsDesk;
  readonly catalog: NatsCatalog;
  readonly history: NatsHistory;
  readonly checkpoints: NatsCheckpoints;
  readonly referee: NatsReferee;
  readonly logs: NatsLogs;
  readonly pressure: Pressure;
  /** When it is lost, it is tried again all the time. */
  readonly link: Link;
  /** Sends what is on its way and closes the connection; what was not stored by then is rejected. */
  close(): Promise<void>;
}

/** How long closing waits for a server that does not answer. */
const CLOSE_MS = 2_000;

/** Connects, creates what is missing, and hands out the ports. Rejects with `ConnectFailed`. */
export async function openCluster(options: ClusterOptions): Promise<NatsCluster> {
  return openPorts(await connectNats(options), options);
}

async function openPorts(connection: Connection, options: ClusterOptions): Promise<NatsCluster> {
  const { nc, jsm, isCurrent, warning } = connection;
  const names = new Names(options.namespace);
  const onTrouble = seldom(options.onTrouble);
  if (warning !== undefined) onTrouble(warning);
  const publisher = new Publisher({ nc, onTrouble, streamOf: (subject) => names.streamOf(subject) ?? "" });
  const closing = new AbortController();
  // Whoever reads a stream listens to it for as long as that takes; many may at a time.
  setMaxListeners(0, closing.signal);
  const link = new NatsLink(nc);
  const context: Context = {
    nc,
    jsm,
    names,
    publisher,
    closing: closing.signal,
    takesFilters: isCurrent,
    isUp: () => link.isUp(),
    onTrouble,
    putAside: (subject, reason, bytes) => putAside({ kind: "unreadable", subject, reason, bytes }),
  };
  const deadLetters = new NatsDeadLetters(context);
  const aside = new Set<Promise<boolean>>();
  const putAside = (letter: UnreadableLetter): Promise<boolean> => {
    options.onDeadLetter(letter);
    const put = deadLetters.put(letter).then(
      () => true,
      (error: unknown) => {
        onTrouble(`a message that cannot be read could not be put aside: ${String(error)}`);
        return false;
      },
    );
    aside.add(put);
    void put.then(() => aside.delete(put));
    return put;
  };
  const log = new NatsRunLog(context);
  const queue = new NatsTaskQueue(context, options);
  const presence = new NatsPresence(context);
  const logs = new NatsLogs(context);
  let leases: NatsLeases | undefined;
  // What was sent on the connection before may be lost; everybody starts over on the new one. What was heard of
  // others is out of date, so who listens is told before anything is sent again.
  link.onRestored(() => {
    for (const part of [presence, publisher, queue, log, leases, logs]) part?.reconnected();
  });
  const onStatus = (status: Status): void => {
    if (status.type === "disconnect") {
      link.lost();
      if (!closing.signal.aborted) onTrouble(`the connection to ${status.server} is lost, trying again`);
    } else if (status.type === "reconnect") {
      link.restored();
    } else if (status.type === "error") {
      const { error } = status;
      onTrouble(`the server objects: ${error.message}`);
      if (error instanceof PermissionViolationError && error.operation === "publish") {
        publisher.denied(error.subject);
      }
    }
  };
  void watch(connection, onStatus);
  void nc.closed().then(() => {
    publisher.close();
    if (!closing.signal.aborted) onTrouble("the connection to the server is closed for good");
  });
  const close = async (): Promise<void> => {
    if (closing.signal.aborted) return;
    closing.abort();
    await Promise.all([log.close(), queue.close(), leases?.close(), logs.close()]);
    await within(Promise.all([nc.flush(), ...aside]), CLOSE_MS);
    publisher.close();
    await nc.close();
  };
  try {
    await Promise.all(streamSpecs(names).map((spec) => ensureStream(jsm, spec, onTrouble)));
    leases = await openLeases(context, options.leaseTermMs);
    if (options.valuesBytes !== undefined) await boundValues(context, options.valuesBytes);
    // After the others: they need their room, and it takes of what is left.
    await ensureLogs(context, options.logBounds);
    const blobs = new NatsBlobs(context);
    const originals = new NatsOriginals(context);
    const desk = new NatsDesk(context);
    const catalog = new NatsCatalog(context);
    const referee = new NatsReferee(context);
    const history = new NatsHistory(context);
    const checkpoints = new NatsCheckpoints(context);
    const pressure = pressureOf(context);
    const small = { blobs, presence, leases, deadLetters, originals, desk, catalog, referee, pressure };
    return { log, queue, history, checkpoints, logs, ...small, link, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function watch({ nc }: Connection, onStatus: (status: Status) => void): Promise<void> {
  for await (const status of nc.status()) onStatus(status);
}
