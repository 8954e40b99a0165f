/** Waits for the end of one run that this process submitted, or retried. */
import type { LoggedFact } from "../core/facts.ts";
import type { RunResult } from "../core/result.ts";
import { RunFold } from "../core/run-fold.ts";
import type { Definitions } from "../ports/definitions.ts";
import type { Follower, RunKey, RunLog } from "../ports/run-log.ts";
import type { RunListener } from "./settings.ts";

export interface WatchSource {
  readonly log: RunLog;
  readonly definitions: Definitions;
  readonly onRun: RunListener;
  /** The log has lost its end, and perhaps the run with it. */
  onRewound(): void;
}

export class RunWatch {
  readonly runId: string;
  readonly partition: number;
  /** The generation whose end is waited for. */
  readonly gen: number;
  readonly result: Promise<RunResult>;
  /** Resolves when the result is there, or never will be. */
  readonly settled: Promise<void>;
  /** Position of the newest fact that was taken in; facts may come twice when the source changes. */
  seen = 0;
  /** Position of `submitted`, once it is known. */
  seq = 0;
  #settle: { resolve(result: RunResult): void; reject(error: unknown): void } | undefined;
  #follower: Promise<Follower> | undefined;

  constructor({ runId, partition, gen = 0 }: RunKey & { readonly gen?: number }) {
    this.runId = runId;
    this.partition = partition;
    this.gen = gen;
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever asked for the result hears of its rejection; nobody has to ask.
    this.settled = this.result.then(
      () => undefined,
      () => undefined,
    );
  }

  /** Follows the run by itself, for as long as no coordinator in this process does. */
  follow({ log, definitions, onRun, onRewound }: WatchSource): void {
    if (this.seq === 0 || this.#follower !== undefined) return;
    const fold = new FollowedRun(definitions, onRun);
    this.#follower = log.follow({ from: this.seq, runId: this.runId, onRewound }, (fact) => {
      fold.take(fact).catch((error: unknown) => this.fail(error));
    });
    this.#follower.catch((error: unknown) => this.fail(error));
  }

  async unfollow(): Promise<void> {
    const follower = this.#follower;
    this.#follower = undefined;
    await (await follower?.catch(() => undefined))?.stop();
  }

  end(result: RunResult): void {
    this.#settle?.resolve(result);
  }

  fail(error: unknown): void {
    this.#settle?.reject(error);
  }
}

/** Folds the facts of one run in order, waiting for its definition where it has to be fetched. */
class FollowedRun {
  readonly #definitions: Definitions;
  readonly #listener: RunListener;
  #turn: Promise<RunFold | undefined> = Promise.resolve(undefined);

  constructor(definitions: Definitions, listener: RunListener) {
    this.#definitions = definitions;
    this.#listener = listener;
  }

  /** Rejects when the definition cannot be read, or a listener throws. */
  async take(logged: LoggedFact): Promise<void> {
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
