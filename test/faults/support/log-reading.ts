/**
 * Reads the log of one run on its own: by the rule that the first outcome of an attempt counts, and without the code
 * that the executor does it with, so that the one can be held against the other.
 */
import type { LoggedFact, RunEndState } from "../../../internal/core/facts.ts";
import type { Outcome } from "../../../internal/core/outcome.ts";

/** An outcome that counts. */
export interface Accepted {
  readonly outcome: Outcome;
  /** The server's time, in milliseconds since 1970. */
  readonly at: number;
  /** Of a completed one: the token of the execution that it comes from. */
  readonly token?: string;
}

export interface RunReading {
  readonly isSubmitted: boolean;
  /** As the log announces it; absent while the run goes on. */
  readonly end?: RunEndState;
  /** When it was cancelled, if that ended it. */
  readonly cancelledAt?: number;
  /** By task: the outcomes that count, one for each attempt, from the first on. */
  readonly accepted: ReadonlyMap<string, readonly Accepted[]>;
  /** Outcomes that do not count. */
  readonly voids: readonly { readonly outcome: Outcome; readonly at: number; readonly why: string }[];
}

/** `facts` are those of the run, in order. */
export function readRun(facts: readonly LoggedFact[]): RunReading {
  const [first] = facts;
  const finished = facts.find(({ fact }) => fact.kind === "finished")?.fact;
  const end = finished?.kind === "finished" ? finished.state : undefined;
  const cancel = facts.find(({ fact }) => fact.kind === "cancel");
  const cancelled = end === "cancelled" && cancel !== undefined ? cancel : undefined;
  const accepted = new Map<string, Accepted[]>();
  const voids: { outcome: Outcome; at: number; why: string }[] = [];
  for (const { seq, time: at, fact } of facts) {
    if (fact.kind !== "outcomes") continue;
    for (const outcome of fact.items) {
      const before = accepted.get(outcome.task) ?? [];
      const why =
        fact.runSeq !== first?.seq
          ? "of another run"
          : cancelled !== undefined && seq > cancelled.seq
            ? "the run was over"
            : whyVoid(outcome, before);
      if (why === undefined) accepted.set(outcome.task, [...before, { outcome, at, ...tokenOf(outcome) }]);
      else voids.push({ outcome, at, why });
    }
  }
  return {
    isSubmitted: first?.fact.kind === "submitted",
    ...(end === undefined ? {} : { end }),
    ...(cancelled === undefined ? {} : { cancelledAt: cancelled.time }),
    accepted,
    voids,
  };
}

function whyVoid(outcome: Outcome, before: readonly Accepted[]): string | undefined {
  if (before.at(-1)?.outcome.state === "completed") return "the task had completed";
  if (outcome.attempt <= before.length) return "the attempt had ended";
  return outcome.attempt === before.length + 1 ? undefined : "the attempt was not owed";
}

function tokenOf({ state, output }: Outcome): { token?: string } {
  if (state !== "completed" || output === undefined || !("inline" in output)) return {};
  const { token } = output.inline;
  return typeof token === "string" ? { token } : {};
}
