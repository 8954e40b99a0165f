/**
 * The runs at hand, and the way there: a run begins with its definition, and goes on after its end with all its facts,
 * which may have to be fetched. Facts that come meanwhile wait for it.
 */
import type { LoggedFact } from "../core/facts.ts";
import type { Graph } from "../core/graph.ts";
import { RunFold } from "../core/run-fold.ts";
import { foldOf, readUpTo } from "./load-run.ts";
import type { Ports } from "./settings.ts";

/** What could not be read is tried again so much later. */
const AGAIN_MS = 5_000;

export interface OpenRunsOptions extends Pick<Ports, "log" | "definitions" | "clock" | "observer"> {
  /** The next fact of a run at hand. */
  onFact(run: RunFold, logged: LoggedFact): void;
  /** A run is new at hand, after its first fact. */
  onBegun(run: RunFold): void;
  /** A fact of a run that is not at hand: it is unknown, or was let go after its end. */
  onOver(logged: LoggedFact): void;
  /** Facts that had waited were handed on. */
  onLoaded(): void;
  /** What is still done for a run that has ended; its facts are read again only after. */
  sweepOf(runId: string): Promise<void> | undefined;
}

/** The facts that wait for a run, which begins or goes on at a position. */
interface Waiting {
  readonly from: number;
  readonly facts: LoggedFact[];
}

/** How a run is read. What it resolves with makes the run one at hand. */
interface Reading {
  /** In words. */
  readonly what: string;
  /** Under way. */
  readonly first: Promise<() => void>;
  /** Tries it again. */
  load(): Promise<() => void>;
}

export class OpenRuns {
  readonly #options: OpenRunsOptions;
  readonly #runs = new Map<string, RunFold | Waiting>();
  readonly #loading = new Set<Promise<void>>();
  /** Runs that could not be read so far. Nobody waits for them. */
  readonly #unread = new Set<string>();
  #stopped = false;

  constructor(options: OpenRunsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#runs.size;
  }

  get(runId: string): RunFold | undefined {
    const entry = this.#runs.get(runId);
    return entry instanceof RunFold ? entry : undefined;
  }

  has(runId: string): boolean {
    return this.#runs.has(runId);
  }

  /** What is not at hand is over: none is left that could not be read. */
  get allRead(): boolean {
    return this.#unread.size === 0;
  }

  /** Where the first of them began, or went on: who knows the log from there on knows all of them. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    const is = (seq: number): void => void (oldest = Math.min(oldest ?? seq, seq));
    for (const run of this.#runs.values()) is(run instanceof RunFold ? run.begunSeq : run.from);
    return oldest;
  }

  all(): RunFold[] {
    return [...this.#runs.values()].filter((entry) => entry instanceof RunFold);
  }

  /** Hands the fact on as soon as its run is there. */
  take(logged: LoggedFact): void {
    if (this.#stopped) return;
    const entry = this.#runs.get(logged.runId);
    if (entry !== undefined && !(entry instanceof RunFold)) entry.facts.push(logged);
    else if (logged.fact.kind === "retry") this.#goOn(logged, entry);
    else if (entry !== undefined) this.#options.onFact(entry, logged);
    else if (logged.fact.kind === "submitted") this.#open(logged);
    else this.#options.onOver(logged);
  }

  delete(run: RunFold): void {
    this.#runs.delete(run.runId);
  }

  /** Resolves when no fact waits. */
  async loaded(): Promise<void> {
    while (this.#loading.size > 0) await Promise.all(this.#loading);
  }

  /** Begins anew. */
  clear(): void {
    this.#runs.clear();
    this.#unread.clear();
  }

  /** Hands nothing on any more. */
  stop(): void {
    this.#stopped = true;
    this.clear();
  }

  #open(logged: LoggedFact): void {
    if (logged.fact.kind !== "submitted") return;
    const { definition } = logged.fact;
    const { definitions } = this.#options;
    const graph = definitions.get(definition);
    if (!(graph instanceof Promise)) {
      this.#begin(logged, graph);
      return;
    }
    const read = async (reading: Graph | Promise<Graph>): Promise<() => void> => {
      const known = await reading;
      return () => this.#begin(logged, known);
    };
    const load = async (): Promise<() => void> => read(definitions.get(definition));
    this.#wait(logged, { what: "reading the definition", first: read(graph), load });
  }

  #begin(logged: LoggedFact, graph: Graph): void {
    if (logged.fact.kind !== "submitted") return;
    const run = new RunFold(logged, logged.fact, graph);
    this.#runs.set(run.runId, run);
    this.#options.onFact(run, logged);
    this.#options.onBegun(run);
  }

  /** A retry of a run that has ended. It was let go, unless its end is not announced yet; its queues may still be cleared. */
  #goOn(logged: LoggedFact, open: RunFold | undefined): void {
    const sweep = this.#options.sweepOf(logged.runId);
    if (open !== undefined && sweep === undefined) {
      this.#options.onFact(open, logged);
      return;
    }
    const load = async (): Promise<() => void> => {
      await sweep;
      const { log, clock } = this.#options;
      const facts = await readUpTo(logged, () => log.factsOf(logged.runId), clock);
      // One that was retired since is over, and not all of its facts are there any more.
      const before = facts.filter(({ seq, fact }) => seq < logged.seq || fact.kind === "retired");
      const run = await foldOf(before, this.#options);
      return () => {
        if (run === undefined) return;
        this.#runs.set(run.runId, run);
        this.#options.onFact(run, logged);
      };
    };
    this.#wait(logged, { what: "reading it again", first: load(), load });
  }

  /** What cannot be read cannot go on; it holds up no other run, and is tried again. */
  #wait({ runId, seq }: LoggedFact, reading: Reading): void {
    const waiting: Waiting = { from: seq, facts: [] };
    this.#runs.set(runId, waiting);
    const loading = this.#load(runId, waiting, reading).finally(() => this.#loading.delete(loading));
    this.#loading.add(loading);
  }

  async #load(runId: string, waiting: Waiting, { what, first, load }: Reading): Promise<void> {
    const isAwaited = (): boolean => this.#runs.get(runId) === waiting;
    const open = await first.catch((error: unknown) => {
      if (!isAwaited()) return undefined;
      this.#unread.add(runId);
      this.#options.observer.observe({
        kind: "trouble",
        what: `run ${runId}: ${what}`,
        error: String(error),
      });
      this.#options.clock.after(AGAIN_MS, () => {
        if (isAwaited()) void this.#load(runId, waiting, { what, first: load(), load });
      });
      return undefined;
    });
    if (open === undefined || !isAwaited()) return;
    this.#runs.delete(runId);
    this.#unread.delete(runId);
    open();
    for (const fact of waiting.facts) this.take(fact);
    this.#options.onLoaded();
  }
}
