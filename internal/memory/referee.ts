/** Questions about copies of attempts, in one process. */
import type { Subscription } from "../ports/presence.ts";
import type { Question, Referee, Ruling } from "../ports/referee.ts";

type Rule = (question: Question) => Promise<readonly Ruling[]>;

export class MemoryReferee implements Referee {
  /** By share; who began last answers. */
  readonly #serving = new Map<number, Rule>();

  async serve(share: number, rule: Rule): Promise<Subscription> {
    this.#serving.set(share, rule);
    return {
      stop: async () => {
        if (this.#serving.get(share) === rule) this.#serving.delete(share);
      },
    };
  }

  async ask(share: number, question: Question): Promise<readonly Ruling[] | undefined> {
    return this.#serving
      .get(share)?.(question)
      .catch(() => undefined);
  }
}
