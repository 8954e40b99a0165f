/** Turns what a fact changed into observations. */
import type { LoggedFact } from "../core/facts.ts";
import type { Change } from "../core/change.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { LaunchedTask, Observer } from "../ports/observer.ts";

export class RunReport {
  readonly #observer: Observer;
  /** Tasks that ended for good, so far. */
  completedTasks = 0;
  failedTasks = 0;

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  tell(run: RunFold, change: Change, logged: LoggedFact): void {
    const { runId } = run;
    if (logged.seq === run.seq) {
      const { dagName } = run.submitted;
      this.#observer.observe({ kind: "run-submitted", runId, dagName, tasks: run.graph.size });
    }
    if (logged.fact.kind === "retry" && logged.fact.gen === run.gen) {
      const { dagName } = run.submitted;
      const { openTasks: tasks } = run.instances;
      this.#observer.observe({ kind: "run-retried", runId, dagName, tasks, gen: run.gen });
    }
    for (const each of change.void) this.#observer.observe({ kind: "outcome-void", runId, ...each });
    for (const outcome of change.accepted) {
      const instance = run.instanceOf(outcome) ?? -1;
      this.#count(run, instance);
      const again =
        run.instances.state(instance) === "retrying"
          ? change.owed.find((owed) => owed.instance === instance)
          : undefined;
      const retry = again === undefined ? {} : { retryInMs: Math.max(0, again.dueAt - logged.time) };
      const { type } = run.taskOf(instance);
      this.#observer.observe({ kind: "attempt-ended", runId, type, outcome, ...retry });
    }
    if (change.accepted.length > 0 || change.owed.length > 0) this.#tellAdvance(run, change);
    if (change.ended && run.end !== undefined) {
      const durationMs = run.endedAt - run.begunAt;
      this.#observer.observe({ kind: "run-finished", runId, state: run.end, durationMs });
    }
  }

  #tellAdvance({ runId, graph, instances }: RunFold, { owed }: Change): void {
    const launched = new Map<number, LaunchedTask>();
    for (const { instance } of owed) {
      const position = instances.positionOf(instance);
      const count = instances.countOf(position);
      if (count === 1 || launched.has(position)) continue;
      const open = instances.openOf(position);
      launched.set(position, { task: graph.task(position).id, instances: count, open });
    }
    const { openTasks } = instances;
    this.#observer.observe({ kind: "run-advanced", runId, openTasks, launched: [...launched.values()] });
  }

  #count(run: RunFold, instance: number): void {
    const state = run.instances.state(instance);
    if (state === "completed") this.completedTasks++;
    else if (state === "failed" || state === "crashed") this.failedTasks++;
  }
}
