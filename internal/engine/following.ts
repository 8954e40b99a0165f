/** What a change of a run leaves to be done, once it is stored. */
import type { Change, Owed } from "../core/change.ts";
import type { RunEndState } from "../core/facts.ts";
import type { RunFold } from "../core/run-fold.ts";
import { type EngineTask, laterTaskOf } from "./task.ts";

export interface RunEnd {
  readonly runId: string;
  readonly state: RunEndState;
  /** Why the run ended before all of its tasks did; empty when they did. */
  readonly message: string;
}

/** In this order. */
export interface Following {
  readonly run: RunFold;
  readonly dispatch: readonly Owed[];
  /** The run has ended, and its end was not told yet. */
  readonly end?: RunEnd;
  /** Each is made when its turn comes: what many have in common they would all hold. */
  readonly cancel: readonly (() => EngineTask)[];
}

/** What follows from one change. */
export function followingOf(run: RunFold, { owed, cancelled, ended }: Change): Following {
  return {
    run,
    dispatch: owed,
    ...(ended ? endOf(run) : {}),
    cancel: cancelled.map((each) => laterTaskOf(run, each)),
  };
}

/** All that may be left to be done, where nobody knows what was done. */
export function allOf(run: RunFold): Following {
  if (run.end === undefined) return { run, dispatch: run.owed(), cancel: [] };
  return run.announced
    ? { run, dispatch: [], cancel: [] }
    : { run, dispatch: [], ...endOf(run), cancel: cancelledOf(run) };
}

function endOf({ runId, end: state, endMessage: message }: RunFold): { readonly end?: RunEnd } {
  return state === undefined ? {} : { end: { runId, state, message } };
}

function cancelledOf(run: RunFold): Following["cancel"] {
  const { instances, graph } = run;
  return [...graph.order].flatMap((position) =>
    instances
      .of(position)
      .filter((instance) => instances.state(instance) === "cancelled" && instances.wasBegun(instance))
      .map((instance) => laterTaskOf(run, { instance, attempt: instances.attempt(instance) })),
  );
}
