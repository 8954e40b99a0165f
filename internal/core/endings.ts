/** How the attempts of a run have ended, all of them: a fold forgets what it does not need, the facts do not. */
import type { LoggedFact } from "./facts.ts";
import type { Graph } from "./graph.ts";
import type { Outcome, VoidReason } from "./outcome.ts";
import { RunFold } from "./run-fold.ts";

/** One outcome in the log. */
export interface Ending {
  readonly outcome: Outcome;
  /** Log time at which it was stored, in milliseconds since 1970. */
  readonly time: number;
  /** Generation of the run at that time. */
  readonly gen: number;
  /** Why it does not count; absent when it does. */
  readonly void?: VoidReason;
}

export interface ToldRun {
  readonly run: RunFold;
  /** In the order of the log. */
  readonly endings: readonly Ending[];
}

/** An attempt that was lost with its worker. */
export interface Loss {
  readonly attempt: number;
  /** Who held it, as far as anybody knew. */
  readonly worker?: string;
  /** When it was known, by the log's time, in milliseconds since 1970. */
  readonly time: number;
  /** How long it had run then, in milliseconds. */
  readonly durationMs: number;
  /** How it was known, in one line. */
  readonly message: string;
}

/** By instance: its attempts that were lost in the run's present generation, the oldest first. */
export function lossesOf({ run, endings }: ToldRun): Map<number, Loss[]> {
  const losses = new Map<number, Loss[]>();
  for (const { outcome, time, gen, void: why } of endings) {
    if (outcome.state !== "failed" || outcome.error.reason !== "lost") continue;
    const instance = run.instanceOf(outcome);
    if (instance === undefined || gen !== run.gen || why !== undefined) continue;
    const { attempt, worker, durationMs, error } = outcome;
    const who = worker === undefined ? {} : { worker };
    const of = losses.get(instance) ?? [];
    of.push({ attempt, ...who, time, durationMs, message: error.message });
    losses.set(instance, of);
  }
  return losses;
}

/** By instance: the message of the last attempt that failed and counts. */
export function messagesOf({ run, endings }: ToldRun): Map<number, string> {
  const messages = new Map<number, string>();
  for (const { outcome, void: why } of endings) {
    const instance = run.instanceOf(outcome);
    if (instance === undefined || why !== undefined || outcome.state !== "failed") continue;
    messages.set(instance, outcome.error.message);
  }
  return messages;
}

/** `undefined` when the facts do not begin with the run's submission. */
export function tellRun(facts: readonly LoggedFact[], graph: Graph): ToldRun | undefined {
  const [first] = facts;
  if (first?.fact.kind !== "submitted") return undefined;
  const run = new RunFold(first, first.fact, graph);
  const endings = facts.flatMap((logged) => {
    const { accepted, void: refused } = run.apply(logged);
    const { time } = logged;
    const { gen } = run;
    return [
      ...accepted.map((outcome) => ({ outcome, time, gen })),
      ...refused.map(({ outcome, why }) => ({ outcome, time, gen, void: why })),
    ];
  });
  return { run, endings };
}
