/** A run out of its facts. */
import type { LoggedFact } from "../core/facts.ts";
import { foldRun } from "../core/fold-run.ts";
import type { RunFold } from "../core/run-fold.ts";
import { isRunId } from "../core/run-id.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ports } from "./settings.ts";

/** The run is over, and what is known of it is no more than that. */
export class HistoryGone extends Error {
  readonly code = "HISTORY_GONE";
  constructor(runId: string) {
    super(`run '${runId}' has ended, and its history is not kept any more`);
    this.name = "HistoryGone";
  }
}

/** What the log holds of a run; nothing also where the text is no id at all. */
export async function logOfRun(runId: string, { log }: Pick<Ports, "log">): Promise<LoggedFact[]> {
  return isRunId(runId) ? log.factsOf(runId) : [];
}

/**
 * All facts of a run, from the log, or from the history where it has been retired; none when there is no such run.
 * Rejects with `HistoryGone`.
 */
export async function factsOfRun(
  runId: string,
  { log, history }: Pick<Ports, "log" | "history">,
): Promise<LoggedFact[]> {
  const facts = await logOfRun(runId, { log });
  const retired = facts.find(({ fact }) => fact.kind === "retired");
  const [first] = facts;
  // The record was whole before the run was retired, and only then did its facts begin to go.
  if (first?.fact.kind !== "submitted" || retired === undefined) return facts;
  const recorded = await history.get(first);
  if (recorded === undefined) throw new HistoryGone(runId);
  return [...recorded, retired];
}

/** The log shows less of a run than it did before, and has for a while. */
export class FactsMissing extends Error {
  readonly code = "FACTS_MISSING";
  constructor(runId: string) {
    super(`the log does not show what it held of run '${runId}': it was put back to an older state`);
    this.name = "FactsMissing";
  }
}

const LAG_MS = 50;
const LONGEST_LAG_MS = 5_000;

/**
 * Reads the facts of a run of which this one has been seen: a replica that lags behind may not have it yet, and is asked
 * again. Rejects with `FactsMissing` when it never comes.
 */
export async function readUpTo(
  { runId, seq }: Pick<LoggedFact, "runId" | "seq">,
  read: () => Promise<LoggedFact[]>,
  clock: Pick<Clock, "monotonic" | "after">,
): Promise<LoggedFact[]> {
  const giveUpAt = clock.monotonic() + LONGEST_LAG_MS;
  for (;;) {
    const facts = await read();
    const newest = facts.at(-1);
    if (newest === undefined || newest.seq >= seq) return facts;
    if (clock.monotonic() >= giveUpAt) throw new FactsMissing(runId);
    await new Promise<void>((resolve) => void clock.after(LAG_MS, resolve));
  }
}

/** `undefined` when the facts do not begin with the run's submission. */
export async function foldOf(
  facts: readonly LoggedFact[],
  { definitions }: Pick<Ports, "definitions">,
): Promise<RunFold | undefined> {
  const [first] = facts;
  if (first === undefined || first.fact.kind !== "submitted") return undefined;
  return foldRun(facts, await definitions.get(first.fact.definition));
}
