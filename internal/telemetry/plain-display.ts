/** Progress as plain lines, one a transition: for pipes and log files. */
import type { Observation } from "../ports/observer.ts";
import type { Progress } from "./progress.ts";
import { attemptFailed, taskLogged } from "./sentences.ts";
import { oneLine, shortDuration } from "./text.ts";

/** Larger runs are told by failures and by every tenth of the way. */
const EVERY_TASK_UP_TO = 100;

export class PlainDisplay {
  readonly #progress: Progress;
  readonly #write: (text: string) => void;
  #tenths = 0;
  #noticed = new Set<string>();

  constructor(progress: Progress, write: (text: string) => void) {
    this.#progress = progress;
    this.#write = write;
  }

  show(observation: Observation): void {
    const each = this.#progress.total <= EVERY_TASK_UP_TO;
    if (observation.kind === "attempt-started" && each) {
      const { task, attempt } = observation.attempt;
      this.#line(`${task} started on ${observation.workerId}${attempt > 1 ? ` (attempt ${attempt})` : ""}`);
    } else if (observation.kind === "task-logged") {
      for (const line of taskLogged(observation.attempt.task, observation.line)) this.#line(line);
    } else if (observation.kind === "attempt-ended") {
      const { outcome } = observation;
      if (outcome.state === "failed") {
        this.#line(attemptFailed(outcome, observation.retryInMs));
      } else if (outcome.state === "skipped") {
        this.#line(`${outcome.task} skipped: ${oneLine(outcome.message)}`);
      } else if (each) {
        const place = outcome.worker === undefined ? "" : ` on ${outcome.worker}`;
        this.#line(`${outcome.task} completed in ${shortDuration(outcome.durationMs)}${place}`);
      }
      if (!each) this.#showTenth();
    }
  }

  /** What the user should know while nothing moves: told once, until it is over. */
  notice(notices: readonly string[]): void {
    for (const notice of notices) if (!this.#noticed.has(notice)) this.#line(notice);
    this.#noticed = new Set(notices);
  }

  #showTenth(): void {
    const { total, completed, failed } = this.#progress;
    const tenths = Math.floor(((completed + failed) * 10) / total);
    if (tenths <= this.#tenths) return;
    this.#tenths = tenths;
    this.#line(`${completed} of ${total} tasks completed, ${failed} failed`);
  }

  #line(text: string): void {
    const seconds = (this.#progress.elapsed / 1_000).toFixed(2);
    this.#write(`[${seconds.padStart(6)}s] ${text}\n`);
  }
}
