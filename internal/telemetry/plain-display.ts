/**
 * Progress as plain lines, one a transition: for pipes and log files. Where there is too much of that, a task with many
 * instances is told by every tenth of them, and a run of many tasks by every tenth of these.
 */
import type { Observation } from "../ports/observer.ts";
import { instanceCounts } from "./instance-counts.ts";
import { countsOf, type Launched, type Progress } from "./progress.ts";
import { attemptFailed, taskLogged } from "./sentences.ts";
import { counted, oneLine, shortDuration } from "./text.ts";

/** Larger runs are told by failures and by every tenth of the way. */
const EVERY_TASK_UP_TO = 100;
const EVERY_INSTANCE_UP_TO = 10;
/** So many failed attempts are told of a task with more instances. */
const TOLD_FAILURES = 20;

export class PlainDisplay {
  readonly #progress: Progress;
  readonly #write: (text: string) => void;
  #tenths = 0;
  /** By task with many instances: what was told. */
  readonly #told = new Map<string, { tenths: number; failures: number }>();
  #noticed = new Set<string>();

  constructor(progress: Progress, write: (text: string) => void) {
    this.#progress = progress;
    this.#write = write;
  }

  show(observation: Observation): void {
    switch (observation.kind) {
      case "run-advanced":
        for (const { task } of observation.launched) this.#showLaunch(task);
        this.#showTenth();
        break;
      case "run-retried":
        this.#told.clear();
        break;
      case "attempt-started":
        this.#showStart(observation);
        break;
      case "attempt-ended":
        this.#showEnd(observation);
        break;
      case "task-logged":
        for (const line of taskLogged(this.#progress.nameOf(observation.attempt), observation.line)) {
          this.#line(line);
        }
        break;
      default:
    }
  }

  /** What the user should know while nothing moves: told once, until it is over. */
  notice(notices: readonly string[]): void {
    for (const notice of notices) if (!this.#noticed.has(notice)) this.#line(notice);
    this.#noticed = new Set(notices);
  }

  #showLaunch(task: string): void {
    const launched = this.#manyOf(task);
    if (launched === undefined || this.#told.has(task)) return;
    const { instances, completed } = launched;
    const kept = completed === 0 ? "" : `, ${completed} of them completed before`;
    this.#told.set(task, { tenths: tenthsOf(launched), failures: 0 });
    this.#line(`${task}: ${counted(instances, "instance")}${kept}`);
  }

  #showStart({
    attempt: { attempt, ...instance },
    workerId,
  }: Observation & { kind: "attempt-started" }): void {
    if (!this.#isEachTold(instance.task)) return;
    const which = attempt > 1 ? ` (attempt ${attempt})` : "";
    this.#line(`${this.#progress.nameOf(instance)} started on ${workerId}${which}`);
  }

  #showEnd({ outcome, retryInMs }: Observation & { kind: "attempt-ended" }): void {
    const name = this.#progress.nameOf(outcome);
    const { task } = outcome;
    if (outcome.state === "failed") {
      if (this.#mayTellFailure(task)) this.#line(attemptFailed(name, outcome, retryInMs));
    } else if (outcome.state === "skipped") {
      if (this.#manyOf(task) === undefined) this.#line(`${name} skipped: ${oneLine(outcome.message)}`);
    } else if (this.#isEachTold(task)) {
      const place = outcome.worker === undefined ? "" : ` on ${outcome.worker}`;
      this.#line(`${name} completed in ${shortDuration(outcome.durationMs)}${place}`);
    }
    this.#showTenthOf(task);
  }

  #isEachTold(task: string): boolean {
    return this.#progress.total <= EVERY_TASK_UP_TO && this.#manyOf(task) === undefined;
  }

  /** What is known of a task whose instances are too many to tell of each of them. */
  #manyOf(task: string): Launched | undefined {
    const launched = this.#progress.launched.get(task);
    return launched !== undefined && launched.instances > EVERY_INSTANCE_UP_TO ? launched : undefined;
  }

  #mayTellFailure(task: string): boolean {
    const told = this.#told.get(task);
    if (told === undefined) return true;
    told.failures++;
    if (told.failures === TOLD_FAILURES + 1) this.#line(`${task}: further failures are only counted`);
    return told.failures <= TOLD_FAILURES;
  }

  #showTenthOf(task: string): void {
    const launched = this.#manyOf(task);
    const told = this.#told.get(task);
    if (launched === undefined || told === undefined) return;
    const tenths = tenthsOf(launched);
    if (tenths <= told.tenths) return;
    told.tenths = tenths;
    this.#line(`${task}: ${instanceCounts(countsOf(launched))}`);
  }

  #showTenth(): void {
    const { total, done, failed } = this.#progress;
    const tenths = Math.floor((done * 10) / total);
    if (total <= EVERY_TASK_UP_TO || tenths <= this.#tenths) return;
    this.#tenths = tenths;
    this.#line(`${done} of ${total} tasks done, ${failed.size} failed`);
  }

  #line(text: string): void {
    const seconds = (this.#progress.elapsed / 1_000).toFixed(2);
    this.#write(`[${seconds.padStart(6)}s] ${text}\n`);
  }
}

function tenthsOf({ completed, failed, instances }: Launched): number {
  return Math.floor(((completed + failed) * 10) / instances);
}
