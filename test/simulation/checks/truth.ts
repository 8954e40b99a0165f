/**
 * What is true, from the log alone: the server's own copy of it, folded as it grows. Every other fold of any process
 * is held against it at each fact.
 */
import { type AttemptId, type AttemptOfRun, attemptKey, type Work } from "../../../internal/core/attempt.ts";
import type { LoggedFact } from "../../../internal/core/facts.ts";
import { Graph } from "../../../internal/core/graph.ts";
import { decodeValue } from "../../../internal/core/stored.ts";
import { readTaskSubject } from "../../../internal/contract/subjects.ts";
import type { Change } from "../../../internal/core/change.ts";
import type { Outcome } from "../../../internal/core/outcome.ts";
import type { RunResult } from "../../../internal/core/result.ts";
import type { RunFold } from "../../../internal/core/run-fold.ts";
import type { DagDefinition } from "../../../internal/spec/schema.ts";
import { readWritten } from "../../../internal/spec/write.ts";
import { isForged } from "../actors/forger.ts";
import type { World } from "../engine/world.ts";
import { readFact } from "../ports/facts.ts";
import type { SimServer } from "../server/server.ts";
import type { Stored } from "../server/stream.ts";
import { digest } from "./digest.ts";
import { resultTold } from "./results.ts";
import { RunTruth } from "./run-truth.ts";

export class Truth {
  readonly runs = new Map<string, RunTruth>();
  /** Attempts that were current when their run was cancelled, with the time. */
  readonly cancelledAt = new Map<string, number>();
  /**
   * Attempts that were owed at some time, also in a log that was put back since, each with the artifacts that it is to
   * find; after a log was put back there may be others.
   */
  readonly everOwed = new Map<string, Set<string>>();
  /** Attempts that had an outcome at some time, and since when. */
  readonly endedAt = new Map<string, number>();
  /** Those of them whose outcome nobody wrote who had them. */
  readonly forged = new Set<string>();
  voidOutcomes = 0;
  /** The log was put back at some time. */
  wasRewound = false;
  /** Of the folds of other processes: the fact that each has applied last. */
  readonly #folds = new WeakMap<RunFold, LoggedFact>();
  readonly #graphs = new Map<string, Graph>();
  readonly #world: World;
  readonly #server: SimServer;
  #isOwn = false;

  constructor(world: World, server: SimServer) {
    this.#world = world;
    this.#server = server;
    server.runs.listen({ stored: (message) => this.#onStored(message) });
  }

  /** The log was put back. */
  rewound(): void {
    this.wasRewound = true;
    this.runs.clear();
    this.endedAt.clear();
    this.forged.clear();
    this.cancelledAt.clear();
    for (const message of this.#server.runs.messages) this.#onStored(message);
  }

  run(runId: string): RunFold | undefined {
    return this.runs.get(runId)?.fold;
  }
  get unfinished(): RunFold[] {
    return [...this.runs.values()]
      .map(({ fold }) => fold)
      .filter(({ end, announced }) => end === undefined || !announced);
  }

  isCurrent(id: AttemptId): boolean {
    const fold = this.run(id.runId);
    const instance = fold?.instanceOf(id);
    return fold !== undefined && instance !== undefined && fold.isCurrent(instance, id.attempt);
  }

  /** Somebody was told what a run has come to. */
  onResult(result: RunResult): void {
    const run = this.runs.get(result.runId);
    const told = resultTold(result);
    if (run === undefined || this.wasRewound || run.results.has(told)) return;
    const known = [...run.results].join(" | ");
    this.#world.fail("who waits is told the truth", `${result.runId}: ${told}; it was ${known}`);
  }

  /**
   * A worker acknowledges a copy: the log must hold an outcome, or the attempt be over otherwise. As is that of a run
   * which went with a log that was put back: one of the same id that was submitted since has copies of its own. Nor need
   * the outcome count: such a log may have had it before the attempt was owed again.
   */
  onAck(work: Work): void {
    const run = this.runs.get(work.runId);
    if (run?.fold.seq !== work.runSeq || !this.isCurrent(work) || this.#logHoldsOutcomeOf(work)) return;
    this.#world.fail("outcome before ack", `${attemptKey(work)} is acknowledged, and has no outcome`);
  }

  /** Also one that does not count, or stands before the submission in a log that was put back; not a forged one. */
  #logHoldsOutcomeOf({ runId, task, index, attempt, runSeq }: AttemptOfRun): boolean {
    for (const message of this.#server.runs.messages) {
      const logged = readFact(message);
      if (logged?.runId !== runId || logged.fact.kind !== "outcomes" || isForged(logged.fact)) continue;
      const { items } = logged.fact;
      const isOf = (item: Outcome): boolean =>
        item.task === task && item.index === index && item.attempt === attempt;
      if (logged.fact.runSeq === runSeq && items.some(isOf)) return true;
    }
    return false;
  }

  /** A copy goes into the queue, and nothing has gone wrong so far: somebody had folded too little of the log. */
  onEnqueued(subject: string): void {
    const attempt = readTaskSubject(subject);
    if (attempt === undefined || !this.endedAt.has(attemptKey(attempt))) return;
    this.#world.fail("what is over is not enqueued", `${attemptKey(attempt)} has its outcome`);
  }

  /** Called after each fact that any fold has applied. */
  onFold(fold: RunFold, logged: LoggedFact): void {
    if (this.#isOwn) return;
    const own = this.runs.get(fold.runId);
    const placeOf = (fact?: LoggedFact): number => own?.facts.findIndex((each) => each.logged === fact) ?? -1;
    // Looked up again: what was not in the log when it was applied may be by now, if it was put back twice.
    const [last, at] = [placeOf(this.#folds.get(fold)), placeOf(logged)];
    const name = `${fold.runId} at ${logged.seq}`;
    this.#folds.set(fold, logged);
    if (own === undefined || at === -1) return;
    // Of a run that is retired the log has a part of the facts, and its end.
    if (own.fold.retired) {
      if (logged.fact.kind === "retired" && fold.end !== own.fold.end) {
        this.#world.fail("replay equals live", `${name}: ended as ${fold.end}, not as ${own.fold.end}`);
      }
      return;
    }
    if (at !== last + 1) {
      this.#world.fail("replay equals live", `${name}: a reader has skipped ${at - last - 1} facts`);
    } else if (own.facts[at]?.digest !== digest(fold)) {
      this.#world.fail("replay equals live", `${name}: ${digest(fold)} instead of ${own.facts[at]?.digest}`);
    }
  }

  #onStored(message: Stored): void {
    const logged = readFact(message);
    if (logged === undefined) return;
    this.#isOwn = true;
    try {
      this.#apply(logged);
    } finally {
      this.#isOwn = false;
    }
  }

  #apply(logged: LoggedFact): void {
    const { runId, fact } = logged;
    let run = this.runs.get(runId);
    if (run === undefined) {
      if (fact.kind !== "submitted") return;
      const graph = this.#graphOf(fact.definition.name);
      run = new RunTruth(logged, fact, {
        graph,
        wasRewound: () => this.wasRewound,
        fail: (...what) => this.#world.fail(...what),
      });
      this.runs.set(runId, run);
    }
    const current = run.fold.owed();
    const change = run.apply(logged);
    this.#remember(run, change, isForged(fact));
    if (fact.kind === "cancel" && change.ended) {
      for (const owed of current) this.cancelledAt.set(attemptKey(run.fold.idOf(owed)), this.#world.now);
    }
  }

  #remember(run: RunTruth, change: Change, wasForged: boolean): void {
    for (const { key, input } of run.newlyOwed(change)) {
      this.everOwed.set(key, (this.everOwed.get(key) ?? new Set()).add(input));
    }
    for (const outcome of change.accepted) {
      const key = attemptKey({ ...outcome, runId: run.fold.runId });
      if (this.endedAt.has(key)) continue;
      this.endedAt.set(key, this.#world.now);
      if (wasForged) this.forged.add(key);
    }
    this.voidOutcomes += change.void.length;
  }

  #graphOf(hash: string): Graph {
    const known = this.#graphs.get(hash);
    if (known !== undefined) return known;
    const bytes = this.#server.blobs.of(this.#server.names.blobChunk("definitions", hash, 0))?.value;
    if (bytes === undefined) throw new Error(`the definition ${hash} is not stored`);
    const graph = new Graph(readWritten(decodeValue(bytes as Uint8Array) as DagDefinition));
    this.#graphs.set(hash, graph);
    return graph;
  }
}
