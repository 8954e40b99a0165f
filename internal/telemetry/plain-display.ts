/** Progress as plain lines, one a transition: for pipes and log files. */
import type { Observation } from "../ports/observer.ts";
import type { Progress } from "./progress.ts";
import { shortDuration } from "./text.ts";

/** Larger runs are told by failures and by every tenth of the way. */
const EVERY_TASK_UP_TO = 100;

export class PlainDisplay {
  readonly #progress: Progress;
  readonly #write: (line: string) => void;
  #tenths = 0;

  constructor(progress: Progress, write: (line: string) => void) {
    this.#progress = progress;
    this.#write = write;
  }

  show(observation: Observation): void {
    const { total, completed, failed } = this.#progress;
    const each = total <= EVERY_TASK_UP_TO;
    if (observation.kind === "attempt-started" && each) {
      const { task, attempt } = observation.attempt;
      this.#line(`${task} started on ${observation.workerId}${attempt > 1 ? ` (attempt ${attempt})` : ""}`);
    } else if (observation.kind === "attempt-ended") {
      const { outcome, retryInMs } = observation;
      const took = shortDuration(outcome.durationMs);
      if (outcome.state === "failed") {
        const next = retryInMs === undefined ? "" : `; retrying in ${shortDuration(retryInMs)}`;
        this.#line(
          `${outcome.task} failed after ${took} (attempt ${outcome.attempt}): ${outcome.error.message}${next}`,
        );
      } else if (each) {
        this.#line(`${outcome.task} completed in ${took} on ${outcome.worker ?? "?"}`);
      }
      const tenths = Math.floor(((completed + failed) * 10) / total);
      if (!each && tenths > this.#tenths) {
        this.#tenths = tenths;
        this.#line(`${completed} of ${total} tasks completed, ${failed} failed`);
      }
    }
  }

  #line(text: string): void {
    this.#write(`[${shortDuration(this.#progress.elapsed).padStart(6)}] ${text}\n`);
  }
}
