import type { LoggedFact } from "../core/facts.ts";
import { RunFold } from "../core/run-fold.ts";
import type { Definitions } from "../ports/definitions.ts";
import type { RunListener } from "./settings.ts";

/** Folds the facts of one run in order, each once, waiting for its definition where it has to be fetched. */
export class FollowedRun {
  readonly #definitions: Definitions;
  readonly #listener: RunListener;
  #turn: Promise<RunFold | undefined> = Promise.resolve(undefined);
  #newest = 0;

  constructor(definitions: Definitions, listener: RunListener) {
    this.#definitions = definitions;
    this.#listener = listener;
  }

  /** The fact that began the run was taken. */
  get isOpen(): boolean {
    return this.#newest > 0;
  }

  /** Rejects when the definition cannot be read, or a listener throws. */
  async take(logged: LoggedFact): Promise<void> {
    if (logged.seq <= this.#newest || (!this.isOpen && logged.fact.kind !== "submitted")) return;
    this.#newest = logged.seq;
    this.#turn = this.#turn.then(async (run) => {
      const opened = run ?? (await this.#open(logged));
      if (opened !== undefined) this.#listener(opened, opened.apply(logged), logged);
      return opened;
    });
    await this.#turn;
  }

  async #open(logged: LoggedFact): Promise<RunFold | undefined> {
    if (logged.fact.kind !== "submitted") return undefined;
    return new RunFold(logged, logged.fact, await this.#definitions.get(logged.fact.definition));
  }
}
