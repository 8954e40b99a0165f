/** What a fact changes in the state of its run. */
import type { Outcome, VoidOutcome } from "./outcome.ts";

/** An attempt that ought to be queued from `dueAt` (log time, milliseconds) on. */
export interface Owed {
  /** Number of the instance, see `Instances`. */
  readonly instance: number;
  readonly attempt: number;
  readonly dueAt: number;
}

/** What one fact changed. */
export interface Change {
  /** Attempts that became owed. */
  readonly owed: readonly Owed[];
  /** Outcomes that count, in order. */
  readonly accepted: readonly Outcome[];
  readonly void: readonly VoidOutcome[];
  /** Attempts that were owed, and are no longer, since the run has ended; those too that this fact made owed. */
  readonly cancelled: readonly Owed[];
  /** This fact ended the run. */
  readonly ended: boolean;
}

export const NO_CHANGE: Change = Object.freeze({
  owed: [],
  accepted: [],
  void: [],
  cancelled: [],
  ended: false,
});
