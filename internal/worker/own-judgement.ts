/**
 * What a worker says itself of copies that it cannot trust, when no executor answers: the log tells whether an
 * attempt is current, and the other workers tell what they hold.
 */
import { attemptKey, type Work } from "../core/attempt.ts";
import { foldRun } from "../core/fold-run.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RunFold } from "../core/run-fold.ts";
import { standingOf } from "../core/standing.ts";
import type { Clock } from "../ports/clock.ts";
import type { Definitions } from "../ports/definitions.ts";
import type { Claim, Presence } from "../ports/presence.ts";
import type { Ruling } from "../ports/referee.ts";
import type { RunLog } from "../ports/run-log.ts";

/** A copy that may not just be run. */
export interface Doubtful {
  readonly work: Work;
  /** See `Delivery`. */
  readonly losses: number;
}

/** lost: nobody holds it, and it has come to nothing more often than its run allows. */
export type Judgement = Ruling | "lost";

export interface OwnJudgementOptions {
  readonly incarnation: string;
  readonly log: RunLog;
  readonly definitions: Definitions;
  readonly presence: Pick<Presence, "watch" | "command">;
  readonly clock: Clock;
}

/** How long the others may take to tell what they hold. */
const REPORT_MS = 1_000;
const RUNS_AT_A_TIME = 16;

/** In the order asked. Rejects when the log cannot be read. */
export async function judgeAlone(
  copies: readonly Doubtful[],
  options: OwnJudgementOptions,
): Promise<Judgement[]> {
  const runs = await readRuns(new Set(copies.map(({ work }) => work.runId)), options);
  const standings = new Map(copies.map(({ work }) => [work, standingOf(runs.get(work.runId), work)]));
  const isAnyCurrent = [...standings.values()].includes("current");
  const held = isAnyCurrent ? await claimsOfOthers(options) : new Set<string>();
  return copies.map((copy) => {
    const standing = standings.get(copy.work);
    if (standing !== "current") return standing === "to-come" ? "held" : "over";
    if (held.has(attemptKey(copy.work))) return "held";
    const cap = runs.get(copy.work.runId)?.submitted.defaults.lossCap ?? 0;
    return copy.losses > cap ? "lost" : "run";
  });
}

/** The outcome of a copy that was judged so. */
export function lostOutcome({ work: { task, index, attempt }, losses }: Doubtful): Outcome {
  const message = `was taken ${losses} times by workers of which nothing was heard again`;
  return { task, index, attempt, state: "failed", durationMs: 0, error: { reason: "lost", message } };
}

/** Those that the log knows. */
async function readRuns(
  ids: ReadonlySet<string>,
  { log, definitions }: OwnJudgementOptions,
): Promise<Map<string, RunFold>> {
  const runs = new Map<string, RunFold>();
  const read = async (runId: string): Promise<void> => {
    const facts = await log.factsOf(runId);
    const [first] = facts;
    if (first?.fact.kind !== "submitted") return;
    const run = foldRun(facts, await definitions.get(first.fact.definition));
    if (run !== undefined) runs.set(runId, run);
  };
  const all = [...ids];
  for (let from = 0; from < all.length; from += RUNS_AT_A_TIME) {
    await Promise.all(all.slice(from, from + RUNS_AT_A_TIME).map(read));
  }
  return runs;
}

/** By attempt key. */
async function claimsOfOthers({ incarnation, presence, clock }: OwnJudgementOptions): Promise<Set<string>> {
  const held = new Set<string>();
  const add = (from: string, claims: readonly Claim[]): void => {
    if (from !== incarnation) for (const claim of claims) held.add(attemptKey(claim));
  };
  const watching = await presence.watch({
    heartbeat: (beat) => add(beat.incarnation, beat.held),
    took: (notice) => add(notice.incarnation, notice.attempts),
    reconnected: () => undefined,
  });
  presence.command({ kind: "report" });
  await new Promise<void>((resolve) => void clock.after(REPORT_MS, resolve));
  await watching.stop();
  return held;
}
