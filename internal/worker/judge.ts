/** Says of copies whether they may run: asks the executors that drive their runs, and where none answers, finds out itself. */
import type { Work } from "../core/attempt.ts";
import { shareOf } from "../core/hash.ts";
import type { Referee } from "../ports/referee.ts";
import { type Doubtful, judgeAlone, type Judgement, type OwnJudgementOptions } from "./own-judgement.ts";

export interface JudgeOptions extends OwnJudgementOptions {
  readonly referee: Pick<Referee, "ask">;
}

/**
 * An executor reads the log to its end before it answers, which takes it half a second or so, and longer after an
 * outage. One that does not answer for so long has lost its lease, and another answers the next question.
 */
const ASK_MS = 5_000;

export class Judge {
  readonly #options: JudgeOptions;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** Rejects when an executor is missing, and the log cannot be read. */
  async judge<T extends Doubtful>(copies: readonly T[]): Promise<Map<T, Judgement>> {
    const judged = new Map<T, Judgement>();
    const ask = async (share: number, group: readonly T[]): Promise<void> => {
      const judgements = await this.#judgeShare(share, group);
      for (const [i, copy] of group.entries()) judged.set(copy, judgements[i] ?? "held");
    };
    await Promise.all([...byShare(copies)].map(([share, group]) => ask(share, group)));
    return judged;
  }

  async #judgeShare(share: number, copies: readonly Doubtful[]): Promise<readonly Judgement[]> {
    const { referee, incarnation } = this.#options;
    const attempts = copies.map(({ work: { runId, task, index, attempt, runSeq } }) => ({
      runId,
      task,
      index,
      attempt,
      runSeq,
    }));
    const ask = (): ReturnType<Referee["ask"]> => referee.ask(share, { incarnation, attempts }, ASK_MS);
    const answer = await ask();
    if (answer !== undefined) return answer;
    const own = await judgeAlone(copies, this.#options);
    // An executor may have come meanwhile, and have told another that it may run one of them.
    return (await ask()) ?? own;
  }
}

/** Copies by the share that their runs lie in. */
export function byShare<T extends { readonly work: Work }>(copies: Iterable<T>): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const copy of copies) {
    const share = shareOf(copy.work.partition);
    const group = groups.get(share);
    if (group === undefined) groups.set(share, [copy]);
    else group.push(copy);
  }
  return groups;
}
