/**
 * Answers workers whether a copy may run that they cannot trust. It folds the log to its end first, and gives
 * workers time to say what they hold wherever it may have missed that.
 */
import { type AttemptId, attemptKey } from "../core/attempt.ts";
import type { RunFold } from "../core/run-fold.ts";
import { standingOf } from "../core/standing.ts";
import type { Clock } from "../ports/clock.ts";
import type { Subscription } from "../ports/presence.ts";
import type { Question, Referee, Ruling } from "../ports/referee.ts";
import type { RunLog } from "../ports/run-log.ts";

export interface ArbiterOptions {
  readonly share: number;
  readonly referee: Pick<Referee, "serve">;
  readonly log: Pick<RunLog, "end">;
  readonly clock: Clock;
  /** Resolves when everything up to this position was folded. */
  folded(seq: number): Promise<void>;
  /** The run, unless it is over or unknown. */
  runOf(runId: string): RunFold | undefined;
  /** The incarnation that says it holds the attempt. */
  holderOf(attempt: AttemptId): string | undefined;
  /** When its worker has let it go without an outcome, by the monotonic clock; nothing while it is held or has never been. */
  givenBackAt(attempt: AttemptId): number | undefined;
}

/** Who is told that it may run a copy has it, until it says so itself; if it has not by then, it never will. */
const GRANT_MS = 5_000;
/** Workers report when they are asked to; those that have just lost their connection are back by then. */
const REPORT_MS = 1_000;

export class Arbiter {
  readonly #options: ArbiterOptions;
  /** By attempt key, the oldest first. */
  readonly #grants = new Map<string, { readonly incarnation: string; readonly at: number }>();
  #serving: Subscription | undefined;
  #reportsDue: number;
  #stopped = false;

  constructor(options: ArbiterOptions) {
    this.#options = options;
    this.#reportsDue = options.clock.monotonic() + REPORT_MS;
  }

  /** Answers for the share from now on. */
  async start(): Promise<void> {
    const { referee, share } = this.#options;
    this.#serving = await referee.serve(share, (question) => this.#rule(question));
    if (this.#stopped) await this.stop();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#serving?.stop();
  }

  /** Workers have had the time to say what they hold. */
  get reportsAreIn(): boolean {
    return this.#options.clock.monotonic() >= this.#reportsDue;
  }

  /** What workers hold was asked for just now; what was known of it may be out of date. */
  reportsAsked(): void {
    this.#reportsDue = this.#options.clock.monotonic() + REPORT_MS;
  }

  /** A worker says that it has it; from here on its word counts, also that it has let it go. */
  claimed(attempt: AttemptId): void {
    if (this.#grants.size > 0) this.#grants.delete(attemptKey(attempt));
  }

  async #rule({ incarnation, attempts }: Question): Promise<Ruling[]> {
    const { log, folded, holderOf, runOf } = this.#options;
    const { seq } = await log.end();
    await Promise.all([folded(seq), this.#reported()]);
    if (this.#stopped) throw new Error("this executor does not drive the run any more");
    return attempts.map((attempt) => {
      const standing = standingOf(runOf(attempt.runId), attempt);
      if (standing !== "current") return standing === "over" ? "over" : "held";
      const holder = holderOf(attempt) ?? this.#grantee(attempt);
      if (holder !== undefined && holder !== incarnation) return "held";
      this.#grant(attempt, incarnation);
      return "run";
    });
  }

  #grantee(attempt: AttemptId): string | undefined {
    const now = this.#options.clock.monotonic();
    for (const [key, { at }] of this.#grants) {
      if (now - at < GRANT_MS) break;
      this.#grants.delete(key);
    }
    const grant = this.#grants.get(attemptKey(attempt));
    if (grant === undefined) return undefined;
    // Who may run it may lack what it takes, and has left it to others.
    return (this.#options.givenBackAt(attempt) ?? Number.NEGATIVE_INFINITY) > grant.at
      ? undefined
      : grant.incarnation;
  }

  #grant(attempt: AttemptId, incarnation: string): void {
    const key = attemptKey(attempt);
    this.#grants.delete(key);
    this.#grants.set(key, { incarnation, at: this.#options.clock.monotonic() });
  }

  async #reported(): Promise<void> {
    const { clock } = this.#options;
    const left = this.#reportsDue - clock.monotonic();
    if (left > 0) await new Promise<void>((resolve) => void clock.after(left, resolve));
  }
}
