/**
 * Takes one run at a time out of the log and into the history, and in the end out of that. Any of it may be broken off
 * anywhere, and is gone on with by whoever comes next.
 *
 * H1 The record is stored before the run is retired, and the run is retired (by a fact, which rules out a retry)
 *    before its first fact goes. Its `finished` goes last: by that it is found again.
 * H2 What is left in the log, `submitted` and `retired`, is the tombstone: the id is taken, and late facts are void.
 * H3 In the end the run's values go first, then the tombstone, and last the record: by that it is found again.
 * H4 Nothing is done to a run whose share of the partitions another executor holds.
 */
import type { LoggedFact } from "../core/facts.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { RecordEntry } from "../ports/history.ts";
import { foldOf } from "./load-run.ts";
import type { Ports } from "./settings.ts";

export interface HistorianOptions extends Pick<Ports, "log" | "history" | "blobs" | "definitions"> {
  /** This executor holds the share that the partition is in, and is not about to stop. */
  owns(partition: number): boolean;
  /** So many facts were removed: resolves when more may be. */
  removed(facts: number): Promise<void>;
}

const FACTS_AT_A_TIME = 64;

export class Historian {
  readonly #options: HistorianOptions;

  constructor(options: HistorianOptions) {
    this.#options = options;
  }

  /** Retires a run, if it is over. Resolves with the number of facts that went. */
  async retire(runId: string): Promise<number> {
    const facts = await this.#options.log.factsOf(runId);
    const run = await foldOf(facts, this.#options);
    if (run === undefined || !run.announced) return 0;
    const closed = retirementOf(facts) ?? (await this.#close(run, facts));
    return closed === undefined ? 0 : this.#sweep(run, new Set([run.seq, closed]), facts);
  }

  /** Removes what came late of a run that has been retired. */
  async sweepLate(runId: string): Promise<void> {
    const facts = await this.#options.log.factsOf(runId);
    const [first] = facts;
    const closed = retirementOf(facts);
    if (first?.fact.kind !== "submitted" || closed === undefined) return;
    await this.#sweep(first, new Set([first.seq, closed]), facts);
  }

  /** Lets go of all that is left of a run. */
  async drop(entry: RecordEntry): Promise<void> {
    const { log, blobs, history, owns } = this.#options;
    const facts = await log.factsOf(entry.runId);
    const submitted = facts.find(({ fact }) => fact.kind === "submitted");
    const isOwn = submitted?.seq === entry.seq;
    // A record that somebody was about to retire the run with, and did not.
    const isTooEarly = isOwn && retirementOf(facts) === undefined;
    if (!owns(entry.partition)) return;
    if (!isTooEarly) {
      if (isOwn) await blobs.removeRun(entry.runId);
      // If this was broken off, the id may have been taken by another run since.
      const end = isOwn ? undefined : submitted?.seq;
      const positions = await log.positionsOf(entry.runId);
      if (!owns(entry.partition)) return;
      await log.remove(positions.filter((seq) => end === undefined || seq < end));
    }
    await history.remove(entry);
  }

  /** Resolves with the position of the fact that retires the run; `undefined` when that is not to be, or not yet known. */
  async #close(run: RunFold, facts: readonly LoggedFact[]): Promise<number | undefined> {
    const { history, log, owns } = this.#options;
    const finished = facts.findLast(({ fact }) => fact.kind === "finished" && fact.gen === run.gen)?.fact;
    // Whoever stood still since it read the facts must not put an old record in the place of a newer one.
    if (finished?.kind !== "finished" || !owns(run.partition)) return undefined;
    await history.put(run, facts);
    if (!owns(run.partition)) return undefined;
    // A retry that had no effect has taken its place all the same.
    const gens = facts.map(({ fact }) => (fact.kind === "retry" ? fact.gen : 0));
    const gen = 1 + gens.reduce((highest, each) => Math.max(highest, each), run.gen);
    const { state, durationMs } = finished;
    const answer = await log.append(run, { kind: "retired", gen, state, durationMs });
    return answer.stored ? answer.seq : undefined;
  }

  /** Takes all but the tombstone out of the log. */
  async #sweep(
    { runId, partition }: { readonly runId: string; readonly partition: number },
    tombstone: ReadonlySet<number>,
    facts: readonly LoggedFact[],
  ): Promise<number> {
    const { log, owns, removed } = this.#options;
    const last = new Set(facts.filter(({ fact }) => fact.kind === "finished").map(({ seq }) => seq));
    const positions = (await log.positionsOf(runId)).filter((seq) => !tombstone.has(seq));
    const seqs = [...positions.filter((seq) => !last.has(seq)), ...positions.filter((seq) => last.has(seq))];
    for (let from = 0; from < seqs.length; from += FACTS_AT_A_TIME) {
      if (!owns(partition)) return from;
      const some = seqs.slice(from, from + FACTS_AT_A_TIME);
      await log.remove(some);
      await removed(some.length);
    }
    return seqs.length;
  }
}

/** Position of the fact that retires the run. */
function retirementOf(facts: readonly LoggedFact[]): number | undefined {
  return facts.find(({ fact }) => fact.kind === "retired")?.seq;
}
