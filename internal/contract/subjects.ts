/**
 * Every subject, stream and bucket, in one place. All begin with the namespace, so that several installations
 * share one server.
 */
import type { LogBatch } from "../core/attempt-log.ts";
import type { AttemptId } from "../core/attempt.ts";
import type { Fact } from "../core/facts.ts";
import { PARTITIONS } from "../core/hash.ts";
import type { LogsOf } from "../ports/attempt-logs.ts";
import type { BlobOwner } from "../ports/blobs.ts";
import type { RecordKey } from "../ports/history.ts";
import type { RunKey } from "../ports/run-log.ts";

export const NAMESPACE_RULE = "use 1 to 32 of a-z 0-9 _ -";

export function isNamespace(text: string): boolean {
  return /^[a-z0-9_-]{1,32}$/.test(text);
}

/** Where a batch of an attempt's log is kept. */
export type LogPlace = Pick<LogBatch, "writer" | "slot"> & { readonly attempt: AttemptId };

export class Names {
  readonly #ns: string;

  constructor(namespace: string) {
    this.#ns = namespace;
  }

  get runsStream(): string {
    return this.#stream("RUNS");
  }
  get tasksStream(): string {
    return this.#stream("TASKS");
  }
  get blobsStream(): string {
    return this.#stream("BLOBS");
  }
  get deadStream(): string {
    return this.#stream("DEAD");
  }
  get dagsStream(): string {
    return this.#stream("DAGS");
  }
  get historyStream(): string {
    return this.#stream("HISTORY");
  }
  get checkpointsStream(): string {
    return this.#stream("CHECKPOINTS");
  }
  get logsStream(): string {
    return this.#stream("LOGS");
  }
  get leaseBucket(): string {
    return this.#stream("LEASES");
  }

  get allFacts(): string {
    return `${this.#ns}.run.>`;
  }
  factsIn(partition: number): string {
    return `${this.#ns}.run.${partition}.>`;
  }
  submissionOf(runId: string): string {
    return `${this.#ns}.run.*.${runId}.submitted`;
  }
  factsOf(runId: string): string {
    return `${this.#ns}.run.*.${runId}.>`;
  }
  /** What may exist only once has a subject of its own. */
  fact({ runId, partition }: RunKey, fact: Fact): string {
    return `${this.#ns}.run.${partition}.${runId}.${factTail(fact)}`;
  }

  /** The facts by which runs begin and end. */
  get milestones(): string[] {
    const run = `${this.#ns}.run.*.*`;
    return [`${run}.submitted`, `${run}.retry.*`, this.ends];
  }
  /** The facts that announce the ends of runs. */
  get ends(): string {
    return `${this.#ns}.run.*.*.finished.*`;
  }

  get allTasks(): string {
    return `${this.#ns}.task.>`;
  }
  tasksOf(queue: string, runId?: string): string {
    return runId === undefined ? `${this.#ns}.task.${queue}.>` : `${this.#ns}.task.${queue}.${runId}.>`;
  }
  task(queue: string, { runId, task, index, attempt }: AttemptId): string {
    return `${this.#ns}.task.${queue}.${runId}.${task}.${index}.${attempt}`;
  }

  get allBlobs(): string {
    return `${this.#ns}.blob.>`;
  }
  blobsOf(owner: BlobOwner): string {
    return owner === "definitions" ? `${this.#ns}.blob.def` : `${this.#ns}.blob.run.${owner.runId}`;
  }
  blobChunk(owner: BlobOwner, name: string, chunk: number): string {
    return `${this.blobsOf(owner)}.${name}.${chunk}`;
  }

  get allVersions(): string {
    return `${this.#ns}.dag.>`;
  }
  versionsOf(name: string): string {
    return `${this.#ns}.dag.${token(name)}.*`;
  }
  version(name: string, version: number): string {
    return `${this.#ns}.dag.${token(name)}.${version}`;
  }

  get allHistory(): string {
    return `${this.#ns}.history.>`;
  }
  /** All pieces of one record. */
  recordOf({ runId, partition, seq }: RecordKey): string {
    return `${this.#ns}.history.${partition}.${runId}.${seq}`;
  }
  recordPiece(key: RecordKey, piece: number): string {
    return `${this.recordOf(key)}.${piece}`;
  }

  get allCheckpoints(): string {
    return `${this.#ns}.checkpoint.*`;
  }
  checkpoint(share: number): string {
    return `${this.#ns}.checkpoint.${share}`;
  }

  get allDead(): string {
    return `${this.#ns}.dead.>`;
  }
  dead(id: string): string {
    return `${this.#ns}.dead.${id}`;
  }

  get allLogs(): string {
    return `${this.#ns}.log.>`;
  }
  logsOf({ runId, task = "*", index, attempt }: LogsOf): string {
    return `${this.#ns}.log.${runId}.${task}.${index ?? "*"}.${attempt ?? "*"}.>`;
  }
  log({ attempt: { runId, task, index, attempt }, writer, slot }: LogPlace): string {
    return `${this.#ns}.log.${runId}.${task}.${index}.${attempt}.${writer}.${slot}`;
  }

  /** The stream that keeps what is sent to this subject; nothing for what is never stored. */
  streamOf(subject: string): string | undefined {
    const from = this.#ns.length + 1;
    switch (subject.slice(from, subject.indexOf(".", from))) {
      case "run":
        return this.runsStream;
      case "task":
        return this.tasksStream;
      case "blob":
        return this.blobsStream;
      case "dag":
        return this.dagsStream;
      case "dead":
        return this.deadStream;
      case "history":
        return this.historyStream;
      case "checkpoint":
        return this.checkpointsStream;
      case "log":
        return this.logsStream;
      default:
        return undefined;
    }
  }

  heartbeat(incarnation: string): string {
    return `${this.#ns}.worker.beat.${incarnation}`;
  }
  took(incarnation: string): string {
    return `${this.#ns}.worker.took.${incarnation}`;
  }
  probe(incarnation: string): string {
    return `${this.#ns}.worker.probe.${incarnation}`;
  }
  get commandToAll(): string {
    return `${this.#ns}.command.all`;
  }
  commandTo(incarnation: string): string {
    return `${this.#ns}.command.worker.${incarnation}`;
  }
  referee(share: number): string {
    return `${this.#ns}.referee.${share}`;
  }
  get desk(): string {
    return `${this.#ns}.desk`;
  }

  #stream(name: string): string {
    return `${this.#ns.toUpperCase()}_${name}`;
  }
}

/** The last parts of a fact's subject. */
export function factTail(fact: Fact): string {
  switch (fact.kind) {
    case "submitted":
      return "submitted";
    case "outcomes":
      return `outcomes.${fact.queue}.${fact.incarnation}.${fact.n}`;
    case "cancel":
    case "retry":
    case "finished":
      return `${fact.kind}.${fact.gen}`;
    case "retired":
      // The place of the retry that it rules out.
      return `retry.${fact.gen}`;
  }
}

/** A name of any characters as one part of a subject; different names have different parts. */
function token(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : `~${Buffer.from(name).toString("base64url")}`;
}

/** Reads `<ns>.dag.<name>.<version>`; `undefined` for a subject that no version has. */
export function readVersionSubject(subject: string): number | undefined {
  const parts = subject.split(".");
  return parts.length === 4 ? toCount(parts[3]) : undefined;
}

/** What a fact's subject says of it. */
export type FactSubject = RunKey & FactTail;

export type FactTail =
  | { readonly kind: "submitted" }
  | { readonly kind: "outcomes"; readonly queue: string; readonly incarnation: string; readonly n: number }
  | { readonly kind: "cancel" | "retry" | "finished"; readonly gen: number };

/** The partition of `<ns>.run.<partition>.…`, whatever follows. */
export function readPartition(subject: string): number | undefined {
  return toCount(subject.split(".")[2]);
}

/** Reads `<ns>.run.<partition>.<run>.<kind>…`; `undefined` for a subject that no fact has. */
export function readFactSubject(subject: string): FactSubject | undefined {
  const parts = subject.split(".");
  const partition = toCount(parts[2]);
  const runId = parts[3];
  if (partition === undefined || partition >= PARTITIONS || runId === undefined) return undefined;
  const tail = readFactTail(parts.slice(4));
  return tail === undefined ? undefined : { runId, partition, ...tail };
}

/** Reads what `factTail` writes, by its parts. */
export function readFactTail(parts: readonly string[]): FactTail | undefined {
  const [kind, first] = parts;
  if (kind === "outcomes" && parts.length === 4) {
    const n = toCount(parts[3]);
    return n === undefined ? undefined : { kind, queue: first ?? "", incarnation: parts[2] ?? "", n };
  }
  if (kind === "submitted" && parts.length === 1) return { kind };
  if ((kind === "cancel" || kind === "retry" || kind === "finished") && parts.length === 2) {
    const gen = toCount(first);
    return gen === undefined ? undefined : { kind, gen };
  }
  return undefined;
}

/** Reads `<ns>.history.<partition>.<run>.<seq>.<piece>`; `undefined` for a subject that no record has. */
export function readRecordSubject(subject: string): (RecordKey & { readonly piece: number }) | undefined {
  const parts = subject.split(".");
  const runId = parts[3];
  const [partition, seq, piece] = [toCount(parts[2]), toCount(parts[4]), toCount(parts[5])];
  if (parts.length !== 6 || runId === undefined || partition === undefined) return undefined;
  return seq === undefined || piece === undefined ? undefined : { runId, partition, seq, piece };
}

/** Reads `<ns>.task.<queue>.<run>.<task>.<index>.<attempt>`; `undefined` for a subject that no attempt has. */
export function readTaskSubject(subject: string): (AttemptId & { readonly queue: string }) | undefined {
  const parts = subject.split(".");
  const [, , queue, runId, task] = parts;
  const [index, attempt] = [toCount(parts[5]), toCount(parts[6])];
  if (parts.length !== 7 || queue === undefined || runId === undefined || task === undefined)
    return undefined;
  return index === undefined || attempt === undefined ? undefined : { queue, runId, task, index, attempt };
}

/** Reads `<ns>.log.<run>.<task>.<index>.<attempt>.<writer>.<slot>`; `undefined` for a subject that no batch has. */
export function readLogSubject(subject: string): LogPlace | undefined {
  const parts = subject.split(".");
  const [, , runId, task] = parts;
  const [index, attempt] = [toCount(parts[4]), toCount(parts[5])];
  const [writer, slot] = [parts[6], parts[7]];
  if (parts.length !== 8 || runId === undefined || task === undefined) return undefined;
  if (index === undefined || attempt === undefined || writer === undefined || slot === undefined)
    return undefined;
  return { attempt: { runId, task, index, attempt }, writer, slot };
}

/** The number that a subject's part writes, in the one way to write it. */
function toCount(part: string | undefined): number | undefined {
  const value = Number(part);
  return Number.isSafeInteger(value) && value >= 0 && String(value) === part ? value : undefined;
}
