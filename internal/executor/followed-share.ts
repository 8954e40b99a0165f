/**
 * The runs of one share that are waited for here and driven elsewhere. One follower reads for all of them: a server
 * takes only so many consumers, and thousands of runs may be waited for.
 */
import type { LoggedFact } from "../core/facts.ts";
import { partitionsOf } from "../core/hash.ts";
import type { Definitions } from "../ports/definitions.ts";
import type { Follower, RunLog } from "../ports/run-log.ts";
import { FollowedRun } from "./followed-run.ts";
import type { RunListener } from "./settings.ts";

export interface FollowedShareOptions {
  readonly log: RunLog;
  readonly definitions: Definitions;
  readonly share: number;
  readonly onRun: RunListener;
  /** Somebody waits for this run, or will as soon as it is submitted. */
  isAwaited(runId: string): boolean;
  /** It cannot be followed. */
  onError(runId: string, error: unknown): void;
  /** The log has lost its end, and perhaps runs with it. */
  onRewound(): void;
}

export class FollowedShare {
  readonly #options: FollowedShareOptions;
  readonly #runs = new Map<string, FollowedRun>();
  #follower: Promise<Follower> | undefined;
  /** Counts the followers; what an earlier one still hands over is void. */
  #epoch = 0;
  /** Up to here the facts of this share have been handed over, or never will be. */
  #passed = 0;

  constructor(options: FollowedShareOptions) {
    this.#options = options;
  }

  /** Hands over the facts of this run, which began at this position. */
  add(runId: string, seq: number): void {
    const run = this.#runs.get(runId) ?? this.#open(runId);
    const isComing = this.#follower !== undefined && seq > this.#passed;
    if (!run.isOpen && !isComing) this.#readFrom(seq);
  }

  remove(runId: string): void {
    this.#runs.delete(runId);
    if (this.#runs.size === 0) this.stop();
  }

  stop(): void {
    this.#epoch++;
    // It may be on its way.
    this.#follower?.then((follower) => follower.stop()).catch(() => undefined);
    this.#follower = undefined;
  }

  #open(runId: string): FollowedRun {
    const run = new FollowedRun(this.#options.definitions, this.#options.onRun);
    this.#runs.set(runId, run);
    return run;
  }

  /** What was handed over before comes once more; each run takes every fact once. */
  #readFrom(from: number): void {
    this.stop();
    const epoch = this.#epoch;
    const { log, share, onRewound, onError } = this.#options;
    this.#passed = from - 1;
    const follower = log.follow(
      {
        from,
        partitions: partitionsOf(share),
        onRewound: () => {
          if (epoch !== this.#epoch) return;
          for (const runId of this.#runs.keys()) this.#open(runId);
          onRewound();
        },
      },
      (logged) => {
        if (epoch === this.#epoch) this.#take(logged);
      },
    );
    this.#follower = follower;
    follower.catch((error: unknown) => {
      if (epoch === this.#epoch) for (const runId of [...this.#runs.keys()]) onError(runId, error);
    });
  }

  #take(logged: LoggedFact): void {
    const { runId, fact, seq } = logged;
    this.#passed = seq;
    const { isAwaited, onError } = this.#options;
    // Its submission may be here before its submitter knows that it is stored.
    const isExpected = fact.kind === "submitted" && isAwaited(runId);
    const run = this.#runs.get(runId) ?? (isExpected ? this.#open(runId) : undefined);
    run?.take(logged).catch((error: unknown) => onError(runId, error));
  }
}
