/** The run log in one process. It lives as long as the process, and keeps the newest runs that have ended. */
import type { Fact, LoggedFact } from "../core/facts.ts";
import type { Clock } from "../ports/clock.ts";
import type { Appended, Follower, FollowOptions, RunKey, RunLog } from "../ports/run-log.ts";

/** Ended runs beyond this number are forgotten, the oldest first. */
const KEPT_RUNS = 1_000;

interface Listener {
  readonly options: FollowOptions;
  readonly onFact: (fact: LoggedFact) => void;
  /** Facts before this position were handed over. */
  next: number;
  readonly waiters: { readonly seq: number; resolve(): void }[];
}

export class MemoryRunLog implements RunLog {
  readonly #clock: Clock;
  readonly #facts = new Map<number, LoggedFact>();
  readonly #byRun = new Map<string, LoggedFact[]>();
  readonly #once = new Set<string>();
  readonly #listeners = new Set<Listener>();
  readonly #ended: string[] = [];
  #lastSeq = 0;
  #handing = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async append({ runId, partition }: RunKey, fact: Fact): Promise<Appended> {
    const key = onceKey(runId, fact);
    if (this.#once.has(key)) return { stored: false };
    this.#once.add(key);
    const logged: LoggedFact = { seq: ++this.#lastSeq, time: this.#clock.now(), runId, partition, fact };
    this.#facts.set(logged.seq, logged);
    const ofRun = this.#byRun.get(runId);
    if (ofRun === undefined) this.#byRun.set(runId, [logged]);
    else ofRun.push(logged);
    if (fact.kind === "finished") this.#retire(runId);
    this.#handOver();
    return { stored: true, seq: logged.seq };
  }

  async read(seqs: readonly number[]): Promise<LoggedFact[]> {
    return seqs.flatMap((seq) => this.#facts.get(seq) ?? []);
  }

  async factsOf(runId: string): Promise<LoggedFact[]> {
    return [...(this.#byRun.get(runId) ?? [])];
  }

  async lastSeq(): Promise<number> {
    return this.#lastSeq;
  }

  async follow(options: FollowOptions, onFact: (fact: LoggedFact) => void): Promise<Follower> {
    const listener: Listener = { options, onFact, next: options.from, waiters: [] };
    this.#listeners.add(listener);
    this.#handOver();
    return {
      reached: (seq) =>
        new Promise((resolve) => {
          if (seq < listener.next) resolve();
          else listener.waiters.push({ seq, resolve });
        }),
      stop: async () => {
        this.#listeners.delete(listener);
        for (const waiter of listener.waiters) waiter.resolve();
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
    while (listener.next <= this.#lastSeq && this.#listeners.has(listener)) {
      const logged = this.#facts.get(listener.next++);
      const { runId } = listener.options;
      if (logged !== undefined && (runId === undefined || logged.runId === runId)) listener.onFact(logged);
    }
    for (const waiter of listener.waiters.splice(0)) {
      if (waiter.seq < listener.next) waiter.resolve();
      else listener.waiters.push(waiter);
    }
  }

  #retire(runId: string): void {
    this.#ended.push(runId);
    if (this.#ended.length <= KEPT_RUNS) return;
    const oldest = this.#ended.shift() ?? "";
    for (const { seq, fact } of this.#byRun.get(oldest) ?? []) {
      this.#facts.delete(seq);
      this.#once.delete(onceKey(oldest, fact));
    }
    this.#byRun.delete(oldest);
  }
}

/** What may exist only once has a key of its own; there the first write wins. */
function onceKey(runId: string, fact: Fact): string {
  switch (fact.kind) {
    case "submitted":
      return `${runId}.submitted`;
    case "outcomes":
      return `${runId}.outcomes.${fact.queue}.${fact.incarnation}.${fact.n}`;
    case "cancel":
    case "finished":
      return `${runId}.${fact.kind}.${fact.gen}`;
  }
}
