/**
 * Pipelines inside a product that has its own database and its own queue. The engine decides what runs next; the product
 * runs it, and tells how it went.
 *
 * A run is the list of its events in the product's store, and its state the fold over them, the same as everywhere. What
 * is decided is stored before anything follows from it; so a process may die at any moment, and `resume` makes up for
 * what did not follow. Tasks may be dispatched twice, and callbacks called twice, and both may be ignored: what is told
 * of a task counts once.
 */
import type { Artifact, ProducedArtifact } from "../core/artifact.ts";
import { attemptKey } from "../core/attempt.ts";
import type { Change } from "../core/change.ts";
import type { Cancel, Fact, RunEndState, Submitted } from "../core/facts.ts";
import type { JsonObject } from "../core/json.ts";
import type { FoldState } from "../core/instances.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RunFold } from "../core/run-fold.ts";
import { RunLocks } from "./run-locks.ts";
import type { EventStore } from "./event-store.ts";
import type { PipelineNode } from "./pipeline.ts";
import { RunLog, type StoredRun } from "./run-log.ts";

/** One task of a run, as it goes to the product's queue. */
export interface EngineTask {
  /** The same whenever the same task is dispatched, and no other task has it. */
  readonly id: string;
  readonly runId: string;
  readonly node: string;
  readonly plugin: string;
  readonly index: number;
  readonly attempt: number;
  /** Of a node in mode `single`: the artifact that it is for. */
  readonly input?: string;
  /** Of a node in mode `grouped`: the origin of its artifacts. */
  readonly origin?: string;
  /** What it was given, in order; `null` for what is not given artifacts but the run's input. */
  readonly artifacts: readonly Artifact[] | null;
}

/** A task by its identity. */
export type TaskRef = Pick<EngineTask, "runId" | "node" | "index" | "attempt">;

export interface RunEnd {
  readonly runId: string;
  readonly state: RunEndState;
  /** Why the run ended before all of its tasks did; empty when they did. */
  readonly message: string;
}

export interface RunStatus {
  readonly state: "running" | RunEndState;
  readonly message: string;
  /** By slug: how many tasks are in each state; `undefined` for a node that was not launched. */
  readonly nodes: Readonly<Record<string, NodeStatus | undefined>>;
  /** By slug: why nothing of the node could be launched, where that is so. */
  readonly problems: Readonly<Record<string, string>>;
}

export type NodeStatus = Readonly<Partial<Record<"queued" | FoldState, number>>>;

export interface EngineOptions {
  readonly store: EventStore;
  /** Puts a task into the product's queue. It may come again with the same id, as long as the task has not ended. */
  dispatch(task: EngineTask): Promise<void> | void;
  /** The task is not wanted any more: its run has ended. One that was not dispatched yet will not be. */
  cancel?(task: EngineTask): Promise<void> | void;
  /** A run has ended. May be called again for the same end, after a process died. */
  onEnd?(end: RunEnd): Promise<void> | void;
  /** Nodes of this plugin hand on what they did not produce themselves. Default: none does. */
  isPassthrough?(plugin: string): boolean;
  /** So many tasks may a node have. Default 100,000. */
  readonly fanOutLimit?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

type Decision = Exclude<Fact, Submitted>;

export class Engine {
  readonly #options: EngineOptions;
  readonly #log: RunLog;
  readonly #locks = new RunLocks();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#log = new RunLog(options);
  }

  /**
   * Starts a run and dispatches the nodes that depend on nothing; once, however often it is called. Rejects with
   * `PipelineError`.
   */
  async start(runId: string, nodes: readonly PipelineNode[], input: JsonObject = {}): Promise<void> {
    await this.#locks.run(runId, async () => {
      const run = await this.#log.start(runId, nodes, input);
      if (run.length === 1)
        await this.#follow(run, { owed: run.fold.owed(), ended: run.fold.end !== undefined });
    });
  }

  /** Resolves with false when the task had ended before, or its run had: then nothing changes. */
  async complete(task: TaskRef, artifacts: readonly ProducedArtifact[] = []): Promise<boolean> {
    return this.#end(task, { state: "completed", artifacts: { inline: artifacts } });
  }
  /** The task failed by itself. */
  async fail(task: TaskRef, message: string): Promise<boolean> {
    return this.#end(task, { state: "failed", error: { reason: "function-error", message, isFinal: true } });
  }
  /** What should have run the task failed it. */
  async crash(task: TaskRef, message: string): Promise<boolean> {
    return this.#end(task, { state: "failed", error: { reason: "lost", message } });
  }

  /** Ends a run before its time. Resolves with false when it had ended, or there is no such run. */
  async abort(
    runId: string,
    {
      state = "failed",
      reason,
    }: { readonly state?: Exclude<RunEndState, "completed">; readonly reason: string },
  ): Promise<boolean> {
    return this.#change(runId, ({ fold }): Cancel | undefined =>
      fold.end === undefined
        ? { kind: "cancel", gen: fold.gen, cause: "abort", state, message: reason }
        : undefined,
    );
  }

  /**
   * Runs again what did not succeed in a run that has ended: of nodes with failed tasks what is not completed, and what
   * had not finished below them as a whole. Resolves with false when there is nothing to run again.
   */
  async retry(runId: string): Promise<boolean> {
    return this.#change(runId, ({ fold }) =>
      fold.end === undefined || fold.end === "completed"
        ? undefined
        : { kind: "retry", gen: fold.gen + 1, tasks: [] },
    );
  }

  /** Does what may have been left undone when a process died: dispatches what has not ended, and tells of an end that was not told. */
  async resume(runId: string): Promise<void> {
    await this.#locks.run(runId, async () => {
      const run = await this.#log.load(runId);
      if (run === undefined) return;
      const ended = run.fold.end !== undefined && !run.fold.announced;
      await this.#follow(run, { owed: run.fold.owed(), ended });
    });
  }

  /** Resolves with `undefined` when there is no such run. */
  async status(runId: string): Promise<RunStatus | undefined> {
    const run = await this.#log.load(runId);
    return run === undefined ? undefined : statusOf(run.fold);
  }

  async #end(
    { runId, node, index, attempt }: TaskRef,
    end:
      | Pick<Outcome & { state: "completed" }, "state" | "artifacts">
      | Pick<Outcome & { state: "failed" }, "state" | "error">,
  ): Promise<boolean> {
    return this.#change(runId, ({ fold }) => {
      const instance = fold.instanceOf({ task: node, index });
      if (instance === undefined || fold.instances.attempt(instance) !== attempt) return undefined;
      // What failed after its run had ended is shown, though nothing follows.
      const isShown = end.state === "failed" && fold.instances.state(instance) === "cancelled";
      if (!fold.isCurrent(instance, attempt) && !isShown) return undefined;
      const outcome: Outcome = { task: node, index, attempt, durationMs: 0, ...end };
      return { kind: "outcomes", runSeq: fold.seq, items: [outcome], queue: "", incarnation: "", n: 0 };
    });
  }

  /** Stores what is decided, and does what follows from it. Whoever was faster has it decided anew. */
  async #change(runId: string, decide: (run: StoredRun) => Decision | undefined): Promise<boolean> {
    return this.#locks.run(runId, async () => {
      for (;;) {
        const run = await this.#log.load(runId);
        const fact = run && decide(run);
        if (run === undefined || fact === undefined) return false;
        const change = await this.#log.append(run, fact);
        if (change === undefined) continue;
        await this.#follow(run, change);
        return true;
      }
    });
  }

  async #follow(
    run: StoredRun,
    { owed, cancelled = [], ended }: Pick<Change, "owed" | "ended"> & Partial<Pick<Change, "cancelled">>,
  ): Promise<void> {
    const { dispatch, cancel, onEnd } = this.#options;
    for (const each of owed) await dispatch(taskOf(run.fold, each));
    for (const each of cancelled) await cancel?.(taskOf(run.fold, each));
    const { end: state, endMessage: message, runId, gen } = run.fold;
    if (!ended || state === undefined) return;
    await onEnd?.({ runId, state, message });
    // Whoever is faster has told it too.
    await this.#log.append(run, { kind: "finished", gen, state, durationMs: 0 });
  }
}

function taskOf(run: RunFold, owed: { readonly instance: number; readonly attempt: number }): EngineTask {
  const { runId, task, index, attempt } = run.idOf(owed);
  const given = run.artifacts.inputOf(owed.instance);
  return {
    id: attemptKey({ runId, task, index, attempt }),
    runId,
    node: task,
    plugin: run.taskOf(owed.instance).command,
    index,
    attempt,
    ...(given?.isSingle === true ? { input: given.artifacts[0]?.id ?? "" } : {}),
    ...(given?.origin === undefined ? {} : { origin: given.origin }),
    artifacts: given?.artifacts ?? null,
  };
}

function statusOf(run: RunFold): RunStatus {
  const nodes = run.graph.dag.tasks.map(({ id }, position) => [id, nodeStatus(run, position)] as const);
  const problems = run.graph.dag.tasks.flatMap(({ id }, position) => {
    const why = run.whyNotLaunched(position);
    return why === undefined ? [] : [[id, why] as const];
  });
  return {
    state: run.end ?? "running",
    message: run.endMessage,
    nodes: Object.fromEntries(nodes),
    problems: Object.fromEntries(problems),
  };
}

function nodeStatus(run: RunFold, position: number): NodeStatus | undefined {
  const counts: Partial<Record<"queued" | FoldState, number>> = {};
  for (const instance of run.instances.of(position)) {
    const state = run.instances.state(instance);
    const isQueued = run.isCurrent(instance, run.instances.attempt(instance));
    const isLaunched = isQueued || run.instances.attempt(instance) > 0 || state === "failed";
    if (!isQueued && state === "pending") return undefined;
    if (state === "cancelled" && !isLaunched) return undefined;
    const shown = isQueued ? "queued" : state;
    counts[shown] = (counts[shown] ?? 0) + 1;
  }
  return counts;
}
