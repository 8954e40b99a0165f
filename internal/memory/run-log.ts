/** The run log in one process. It lives as long as the process, and keeps the newest runs that have ended. */
import type { ProducedArtifact } from "../core/artifact.ts";
import type { Fact, LoggedFact } from "../core/facts.ts";
import type { JsonObject } from "../core/json.ts";
import type { Outcome } from "../core/outcome.ts";
import { jsonSize } from "../core/size.ts";
import type { Stored } from "../core/stored.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  Appended,
  AppendOptions,
  Follower,
  FollowOptions,
  LogEnd,
  RunKey,
  RunLog,
} from "../ports/run-log.ts";

/** Ended runs beyond this number are forgotten, the oldest first. */
const MAX_KEPT = 1_000;
/** So are they when their values are larger than this together, in bytes or so. */
const MAX_KEPT_BYTES = 64 * 1_024 * 1_024;
/** So many are always kept: their results may still be read. */
const MIN_KEPT = 10;
/** What a fact and each of its outcomes take beside the values. */
const BASE_BYTES = 200;

interface Listener {
  readonly options: FollowOptions;
  readonly onFact: (fact: LoggedFact) => void;
  /** Facts before this position were handed over. */
  next: number;
  waiters: { readonly seq: number; resolve(): void }[];
}

export interface MemoryRunLogOptions {
  readonly clock: Clock;
  /** An ended run was forgotten; its stored values are of no use any more. */
  onForgotten(runId: string): void;
}

export class MemoryRunLog implements RunLog {
  readonly #options: MemoryRunLogOptions;
  readonly #facts = new Map<number, LoggedFact>();
  readonly #byRun = new Map<string, LoggedFact[]>();
  readonly #once = new Set<string>();
  readonly #listeners = new Set<Listener>();
  #ended: { readonly runId: string; readonly bytes: number }[] = [];
  #endedBytes = 0;
  #lastSeq = 0;
  #handing = false;

  constructor(options: MemoryRunLogOptions) {
    this.#options = options;
  }

  async append(
    { runId, partition }: RunKey,
    fact: Fact,
    { isWanted }: AppendOptions = {},
  ): Promise<Appended> {
    const key = onceKey({ runId, partition }, fact);
    if (isWanted?.() === false) return { stored: false, unwanted: true };
    if (this.#once.has(key)) return { stored: false };
    this.#once.add(key);
    const time = this.#options.clock.now();
    const logged: LoggedFact = { seq: ++this.#lastSeq, time, runId, partition, fact };
    this.#facts.set(logged.seq, logged);
    const ofRun = this.#byRun.get(runId);
    if (ofRun === undefined) this.#byRun.set(runId, [logged]);
    else ofRun.push(logged);
    if (fact.kind === "finished") this.#ends(runId);
    if (fact.kind === "retry") this.#goesOn(runId);
    this.#handOver();
    return { stored: true, seq: logged.seq };
  }

  async read(seqs: readonly number[]): Promise<LoggedFact[]> {
    return seqs.flatMap((seq) => this.#facts.get(seq) ?? []);
  }

  async factsOf(runId: string): Promise<LoggedFact[]> {
    return [...(this.#byRun.get(runId) ?? [])];
  }

  async partitionOf(runId: string): Promise<number | undefined> {
    return this.#byRun.get(runId)?.[0]?.partition;
  }

  async milestones(from: number, to: number): Promise<LoggedFact[]> {
    const kinds = new Set<Fact["kind"]>(["submitted", "retry", "finished", "retired"]);
    return [...this.#facts.values()].filter(
      ({ seq, fact }) => seq >= from && seq <= to && kinds.has(fact.kind),
    );
  }

  async ends(from: number, limit: number): Promise<LoggedFact[]> {
    const ends = [...this.#facts.values()].filter(({ seq, fact }) => seq >= from && fact.kind === "finished");
    return ends.slice(0, limit);
  }

  async positionsOf(runId: string): Promise<number[]> {
    return (this.#byRun.get(runId) ?? []).map(({ seq }) => seq);
  }

  async remove(seqs: readonly number[]): Promise<void> {
    for (const seq of seqs) {
      const logged = this.#facts.get(seq);
      if (logged === undefined) continue;
      const left = (this.#byRun.get(logged.runId) ?? []).filter((fact) => fact !== logged);
      if (left.length === 0) this.#byRun.delete(logged.runId);
      else this.#byRun.set(logged.runId, left);
      this.#drop(logged);
    }
  }

  async end(): Promise<LogEnd> {
    return { seq: this.#lastSeq, time: this.#options.clock.now(), facts: this.#facts.size, fill: 0 };
  }

  async follow(options: FollowOptions, onFact: (fact: LoggedFact) => void): Promise<Follower> {
    const listener: Listener = { options, onFact, next: Math.max(1, options.from), waiters: [] };
    this.#listeners.add(listener);
    this.#handOver();
    return {
      reached: (seq) =>
        new Promise((resolve) => {
          if (seq < listener.next || !this.#listeners.has(listener)) resolve();
          else listener.waiters.push({ seq, resolve });
        }),
      stop: async () => {
        this.#listeners.delete(listener);
        for (const waiter of listener.waiters.splice(0)) waiter.resolve();
      },
    };
  }

  /** Never from within `append`: a follower that appends must not be called again before it has returned. */
  #handOver(): void {
    if (this.#handing) return;
    this.#handing = true;
    queueMicrotask(() => {
      this.#handing = false;
      for (const listener of this.#listeners) this.#catchUp(listener);
    });
  }

  #catchUp(listener: Listener): void {
    const { runId, partitions } = listener.options;
    const isMeant = (logged: LoggedFact): boolean =>
      (runId === undefined || logged.runId === runId) && partitions?.includes(logged.partition) !== false;
    while (listener.next <= this.#lastSeq && this.#listeners.has(listener)) {
      const logged = this.#facts.get(listener.next++);
      if (logged !== undefined && isMeant(logged)) listener.onFact(logged);
    }
    if (listener.waiters.length === 0) return;
    listener.waiters = listener.waiters.filter((waiter) => {
      if (waiter.seq >= listener.next) return true;
      waiter.resolve();
      return false;
    });
  }

  /** Followers have the facts of the oldest runs long since; nobody reads them again. */
  #ends(runId: string): void {
    const bytes = (this.#byRun.get(runId) ?? []).reduce((sum, { fact }) => sum + bytesOf(fact), 0);
    this.#ended.push({ runId, bytes });
    this.#endedBytes += bytes;
    while (this.#ended.length > MIN_KEPT) {
      if (this.#ended.length <= MAX_KEPT && this.#endedBytes <= MAX_KEPT_BYTES) return;
      const oldest = this.#ended.shift();
      if (oldest !== undefined) this.#forget(oldest);
    }
  }

  #goesOn(runId: string): void {
    const gone = this.#ended.filter((run) => run.runId === runId);
    this.#ended = this.#ended.filter((run) => run.runId !== runId);
    for (const { bytes } of gone) this.#endedBytes -= bytes;
  }

  #forget({ runId, bytes }: { readonly runId: string; readonly bytes: number }): void {
    this.#endedBytes -= bytes;
    for (const logged of this.#byRun.get(runId) ?? []) this.#drop(logged);
    this.#byRun.delete(runId);
    this.#options.onForgotten(runId);
  }

  #drop(logged: LoggedFact): void {
    this.#facts.delete(logged.seq);
    this.#once.delete(onceKey(logged, logged.fact));
  }
}

function bytesOf(fact: Fact): number {
  switch (fact.kind) {
    case "submitted":
      return BASE_BYTES + bytesOfStored(fact.params);
    case "outcomes":
      return (
        fact.items.reduce((sum, each) => sum + BASE_BYTES + bytesOfOutcome(each), BASE_BYTES) +
        (fact.pieces ?? []).reduce((sum, { artifacts }) => sum + bytesOfArtifacts(artifacts), 0)
      );
    case "cancel":
    case "retry":
    case "finished":
    case "retired":
      return BASE_BYTES;
  }
}

function bytesOfOutcome(outcome: Outcome): number {
  const handed = outcome.state === "completed" ? outcome.artifacts : undefined;
  const inline = handed !== undefined && "inline" in handed ? handed.inline : [];
  return bytesOfStored(outcome.output) + bytesOfArtifacts(inline);
}

/** Their files count too: they take no memory, but room on the disk. */
function bytesOfArtifacts(artifacts: readonly ProducedArtifact[]): number {
  return artifacts.reduce(
    (sum, { metadata, file }) => sum + BASE_BYTES + jsonSize(metadata, MAX_KEPT_BYTES) + (file?.bytes ?? 0),
    0,
  );
}

function bytesOfStored(value: Stored<JsonObject> | undefined): number {
  if (value === undefined) return 0;
  return "inline" in value ? jsonSize(value.inline, MAX_KEPT_BYTES) : value.ref.bytes;
}

/** What may exist only once has a key of its own; there the first write wins. */
function onceKey({ runId, partition }: RunKey, fact: Fact): string {
  const run = `${partition}.${runId}`;
  switch (fact.kind) {
    case "submitted":
      return `${run}.submitted`;
    case "outcomes":
      return `${run}.outcomes.${fact.queue}.${fact.incarnation}.${fact.n}`;
    case "cancel":
    case "retry":
    case "finished":
      return `${run}.${fact.kind}.${fact.gen}`;
    case "retired":
      return `${run}.retry.${fact.gen}`;
  }
}
