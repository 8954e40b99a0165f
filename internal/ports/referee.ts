/**
 * Whether a copy of an attempt may run, where its worker cannot know: a copy that was delivered before, or perhaps
 * was. The executor that drives the run is asked; it has folded the log to its present end before it answers.
 */
import type { AttemptOfRun } from "../core/attempt.ts";
import type { Subscription } from "./presence.ts";

/**
 * run: the attempt is current, and no other live worker holds it. held: another live worker does, or nobody can say
 * yet; so it is of an attempt that has yet to come. over: it has an outcome, or another attempt in its place, or its run
 * has ended.
 */
export type Ruling = "run" | "held" | "over";

export interface Question {
  /** Who asks: what it holds itself is not held by another. */
  readonly incarnation: string;
  /** Of runs of one share. */
  readonly attempts: readonly AttemptOfRun[];
}

export interface Referee {
  /** Executor: answers for the runs of a share from now on, in the order asked. A rejection is no answer. */
  serve(share: number, rule: (question: Question) => Promise<readonly Ruling[]>): Promise<Subscription>;
  /** Worker: asks whoever drives the runs of this share; `undefined` when nobody answers within `timeoutMs`. */
  ask(share: number, question: Question, timeoutMs: number): Promise<readonly Ruling[] | undefined>;
}
