/**
 * Pipelines inside a product that has its own database and its own queue. The engine decides what runs next; the product
 * runs it, and tells how it went.
 *
 * A run is the list of its events in the product's store, and its state the fold over them, the same as everywhere.
 *
 * N1 What is decided is stored before anything follows from it. So a process may die at any moment, and `resume` makes up
 *    for what did not follow: tasks may be dispatched twice, and callbacks called twice.
 * N2 What is told of a task counts once, and the first that is stored does, whoever tells it, in whatever process.
 * N3 What follows is done outside of the run's lock: dispatch and callbacks may call the engine.
 */
import type { Change } from "../core/change.ts";
import type { Patterns } from "../core/expression/patterns.ts";
import { type RunEndState, SEMANTICS } from "../core/facts.ts";
import { DEFAULT_FAN_OUT_LIMIT } from "../core/fan-out.ts";
import type { JsonObject } from "../core/json.ts";
import { isMap, notJson } from "../core/not-json.ts";
import { type Outcome, shortMessage } from "../core/outcome.ts";
import type { RunFold } from "../core/run-fold.ts";
import { formatPath, shown } from "../core/shown.ts";
import { checkOptions, type EngineOptions } from "./engine-options.ts";
import { badInput, EngineError } from "./errors.ts";
import { allOf, type Following, followingOf } from "./following.ts";
import { inputOf, ownFields, type Pipeline } from "./pipeline.ts";
import { type Decision, RunLog, type Started, type StoredRun } from "./run-log.ts";
import { idsToRunAgain, newIds } from "./retried.ts";
import { RunLocks } from "./run-locks.ts";
import { type RunStatus, statusOf } from "./status.ts";
import { checkRef, type HandedArtifact, instanceOf, isLate, produced, taskOf, type TaskRef } from "./task.ts";
import { inputOfTask, type TaskInputOptions } from "./task-input.ts";

/** What is told of the end of a task. */
type TaskEnd =
  | Pick<Outcome & { state: "completed" }, "state" | "artifacts">
  | Pick<Outcome & { state: "failed" }, "state" | "error">;

interface Changed {
  readonly run: RunFold;
  /** Absent where nothing was decided. */
  readonly change: Change | undefined;
}

type Decide = (run: RunFold) => Decision | undefined;

export class Engine {
  readonly #options: EngineOptions;
  readonly #patterns: Patterns;
  readonly #log: RunLog;
  readonly #locks = new RunLocks();
  /** Runs of which something did not follow, or may be stored that is not known here. */
  readonly #behind = new Set<string>();

  /** Throws `EngineError`. */
  constructor(options: EngineOptions, patterns: Patterns) {
    checkOptions(options);
    this.#options = options;
    this.#patterns = patterns;
    const strayed = (runId: string): void => void this.#behind.add(runId);
    this.#log = new RunLog({ store: options.store, now: options.now ?? Date.now, strayed });
  }

  /**
   * Starts a run and dispatches the nodes that depend on nothing. Resolves with false when there is a run of this id: it
   * goes on with the pipeline that it has, as by `resume`. Rejects with `PipelineError`, and with `MissingInput`.
   */
  async start(runId: string, pipeline: Pipeline, input: JsonObject = {}): Promise<boolean> {
    checkRunId(runId);
    const started = this.#started(pipeline, input);
    const { isNew, following } = await this.#locked(runId, async () => {
      const run = await this.#log.start(runId, started);
      return { isNew: run !== undefined, following: this.#allOf(run?.fold ?? (await this.#run(runId)).fold) };
    });
    await this.#follow(following);
    return isNew;
  }

  /** Resolves with false when the task had ended before, or its run had: then nothing changes. */
  async complete(task: TaskRef, artifacts: readonly HandedArtifact[] = []): Promise<boolean> {
    return this.#end(task, { state: "completed", artifacts: { inline: produced(artifacts) } });
  }
  /** The task failed by itself. Resolves with false as `complete` does. */
  async fail(task: TaskRef, message: string): Promise<boolean> {
    checkText("message", message);
    const error = { reason: "function-error", message: shortMessage(message), isFinal: true } as const;
    return this.#end(task, { state: "failed", error });
  }
  /** What should have run the task failed it. Resolves with false as `complete` does. */
  async crash(task: TaskRef, message: string): Promise<boolean> {
    checkText("message", message);
    return this.#end(task, { state: "failed", error: { reason: "lost", message: shortMessage(message) } });
  }

  /** Ends a run before its time. Resolves with false when it had ended. */
  async abort(
    runId: string,
    {
      state = "failed",
      reason,
    }: { readonly state?: Exclude<RunEndState, "completed">; readonly reason: string },
  ): Promise<boolean> {
    checkText("reason", reason);
    if (!["failed", "crashed", "cancelled"].includes(state))
      throw badInput(`state must be one of failed, crashed, cancelled, not ${shown(state)}`);
    const message = shortMessage(reason);
    const { change } = await this.#change(runId, ({ gen, end }) =>
      end === undefined ? { kind: "cancel", gen, cause: "abort", state, message } : undefined,
    );
    return change !== undefined;
  }

  /**
   * Runs again what did not succeed in a run that has ended: of nodes with failed tasks what is not completed, and what
   * had not finished below them as a whole. Resolves with the ids of the tasks of the former, by those that they had
   * before; with `undefined` when there is nothing to run again.
   */
  async retry(runId: string): Promise<ReadonlyMap<string, string> | undefined> {
    let before: ReadonlyMap<number, string> = new Map();
    const { run, change } = await this.#change(runId, (fold) => {
      const { end, gen } = fold;
      if (end === undefined || end === "completed") return undefined;
      before = idsToRunAgain(fold);
      return { kind: "retry", gen: gen + 1, tasks: [] };
    });
    return change && newIds(run, change, before);
  }

  /**
   * Does what may have been left undone when a process died: dispatches what has not ended, and tells of an end that was
   * not told. For each run that goes on, when the product starts; and at any time.
   */
  async resume(runId: string): Promise<void> {
    checkRunId(runId);
    await this.#follow(await this.#locked(runId, async () => this.#allOf((await this.#run(runId)).fold)));
  }

  /** Resolves with `undefined` when there is no such run. */
  async status(runId: string): Promise<RunStatus | undefined> {
    const run = await this.#locked(runId, () => this.#log.load(runId));
    return run && statusOf(run.fold);
  }

  /**
   * What the task is called with: its artifacts or the run's input, and over these what its bindings fill in. Resolves
   * with `undefined` when it is not wanted any more. Rejects with `EngineError` when a field cannot be filled in.
   */
  async taskInput(task: TaskRef, options: TaskInputOptions = {}): Promise<JsonObject | undefined> {
    checkRef(task);
    const known = await this.#locked(task.runId, async () => {
      const { fold, input } = await this.#run(task.runId);
      const instance = instanceOf(fold, task);
      if (instance === undefined || !fold.isCurrent(instance, task.attempt)) return undefined;
      return { task: fold.taskOf(instance), given: fold.artifacts.inputOf(instance), input };
    });
    return known && inputOfTask(known, options, this.#patterns);
  }

  #started(pipeline: Pipeline, given: JsonObject): Started {
    const [wrong] = isMap(given)
      ? notJson(given)
      : [{ path: [], message: `must be a map, not ${shown(given)}` }];
    if (wrong !== undefined) throw badInput(`${formatPath(["input", ...wrong.path])} ${wrong.message}`);
    const { isPassthrough = () => false, fanOutLimit = DEFAULT_FAN_OUT_LIMIT } = this.#options;
    const input = inputOf(pipeline, given);
    const plugins = new Set(pipeline.nodes.map(({ plugin }) => plugin));
    return {
      kind: "started",
      semantics: SEMANTICS,
      nodes: pipeline.nodes.map(ownFields),
      input,
      passthrough: [...plugins].filter((plugin) => isPassthrough(plugin)),
      fanOutLimit,
    };
  }

  async #end(task: TaskRef, end: TaskEnd): Promise<boolean> {
    checkRef(task);
    const { runId, node, index, attempt } = task;
    const { change } = await this.#change(runId, (fold) => {
      const instance = instanceOf(fold, task);
      if (instance === undefined) return undefined;
      // A failure that comes after its run has ended is shown, though nothing follows.
      const isShown = end.state === "failed" && isLate(fold, instance, attempt);
      if (!fold.isCurrent(instance, attempt) && !isShown) return undefined;
      const outcome: Outcome = { task: node, index, attempt, durationMs: 0, ...end };
      return { kind: "outcomes", runSeq: fold.seq, items: [outcome], queue: "", incarnation: "", n: 0 };
    });
    return change !== undefined && change.accepted.length > 0;
  }

  /** Stores what is decided, and does what follows from it. */
  async #change(runId: string, decide: Decide): Promise<Changed> {
    checkRunId(runId);
    const { following, ...changed } = await this.#locked(runId, async () => {
      const { run, change } = await this.#store(runId, decide);
      if (this.#behind.has(runId)) return { run, change, following: this.#allOf(run) };
      return { run, change, following: change && followingOf(run, change) };
    });
    if (following !== undefined) await this.#follow(following);
    return changed;
  }

  /** Whoever was faster has it decided anew. */
  async #store(runId: string, decide: Decide): Promise<Changed> {
    for (;;) {
      const run = await this.#run(runId);
      const fact = decide(run.fold);
      const change = fact && (await this.#log.append(run, fact));
      if (fact === undefined || change !== undefined) return { run: run.fold, change };
    }
  }

  async #run(runId: string): Promise<StoredRun> {
    const run = await this.#log.load(runId);
    if (run !== undefined) return run;
    throw new EngineError("UNKNOWN_RUN", `there is no run '${runId}': it was never started`);
  }

  #allOf(run: RunFold): Following {
    this.#behind.delete(run.runId);
    return allOf(run);
  }

  async #locked<T>(runId: string, act: () => Promise<T>): Promise<T> {
    return this.#locks.run(runId, () => this.#orBehind(runId, act));
  }

  /** What was not done is made up for with the next thing that is told of the run, or by `resume`. */
  async #orBehind<T>(runId: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof EngineError)) this.#behind.add(runId);
      throw error;
    }
  }

  async #follow(following: Following): Promise<void> {
    await this.#orBehind(following.run.runId, () => this.#do(following));
  }

  async #do({ run, dispatch, end, cancel }: Following): Promise<void> {
    const { runId, gen } = run;
    for (const owed of dispatch) {
      // Meanwhile it may have ended, or its run.
      if (run.isCurrent(owed.instance, owed.attempt)) await this.#options.dispatch(taskOf(run, owed));
    }
    if (end === undefined) return;
    await this.#options.onEnd?.(end);
    for (const make of cancel) await this.#options.cancel?.(make());
    const { state } = end;
    await this.#locked(runId, () =>
      this.#store(runId, (now) => {
        if (now.gen !== gen || now.announced) return undefined;
        return { kind: "finished", gen, state, durationMs: now.endedAt - now.begunAt };
      }),
    );
  }
}

function checkRunId(given: string): void {
  if (typeof given !== "string" || given === "")
    throw badInput(`the id of a run must be text that is not empty, not ${shown(given)}`);
}

function checkText(name: string, given: string): void {
  if (typeof given !== "string") throw badInput(`${name} must be text, not ${shown(given)}`);
}
