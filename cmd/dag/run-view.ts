/** What the user sees of a run. With `--json` that is nothing before the end. */
import { instanceName } from "../../internal/core/instance-name.ts";
import { leavesOf } from "../../internal/core/graph-analysis.ts";
import { Graph } from "../../internal/core/graph.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { RunResult } from "../../internal/core/result.ts";
import type { Observation, Observer } from "../../internal/ports/observer.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { LiveDisplay } from "../../internal/telemetry/live-display.ts";
import { PlainDisplay } from "../../internal/telemetry/plain-display.ts";
import { Progress } from "../../internal/telemetry/progress.ts";
import { attemptFailed, taskLogged } from "../../internal/telemetry/sentences.ts";
import { type NextStep, summary } from "../../internal/telemetry/summary.ts";
import { runJson } from "./json.ts";
import { print } from "./stdout.ts";

const LOOK_MS = 500;
/** So many final failures are told above the live block; the summary has the rest. */
const TOLD_FAILURES = 20;

/** Whether stdout is a terminal that can be drawn on; `term` is what the environment says of it. */
export function canDraw(term: string | undefined): boolean {
  return process.stdout.isTTY && term !== "dumb";
}

export interface RunViewOptions {
  readonly dag: Dag;
  readonly json: boolean;
  /** The terminal can be drawn on. */
  readonly live: boolean;
}

type Begun = Extract<Observation, { readonly kind: "run-submitted" | "run-retried" }>;

export class RunView implements Observer {
  readonly #options: RunViewOptions;
  #progress: Progress | undefined;
  #plain: PlainDisplay | undefined;
  #live: LiveDisplay | undefined;
  #looking: NodeJS.Timeout | undefined;
  /** A worker's notice may be faster than the log, and come before the run's beginning. */
  readonly #early: Observation[] = [];
  #seen = new Set<string>();
  #notices: readonly string[] = [];

  constructor(options: RunViewOptions) {
    this.#options = options;
  }

  /** `look` tells what the user should know while nothing moves; what it says twice in a row is shown. */
  watch(look: () => readonly string[]): void {
    this.#looking = setInterval(() => {
      const now = look();
      this.#notices = now.filter((notice) => this.#seen.has(notice));
      this.#seen = new Set(now);
      this.#plain?.notice(this.#notices);
    }, LOOK_MS);
    this.#looking.unref();
  }

  /** Says something on stderr. */
  readonly say = (text: string): void => {
    const write = (): void => void process.stderr.write(`dag: ${text}\n`);
    if (this.#live === undefined) write();
    else this.#live.aside(write);
  };

  observe(observation: Observation): void {
    if (observation.kind === "trouble") {
      const { what, error } = observation;
      this.say(error === "" ? what : `${what}: ${error}`);
    }
    if (observation.kind === "task-logged") this.#showLine(observation);
    if (this.#options.json) return;
    if (observation.kind === "attempt-started" && this.#progress === undefined) this.#early.push(observation);
    if (observation.kind === "run-submitted" || observation.kind === "run-retried") this.#open(observation);
    if (this.#progress?.take(observation) !== true) return;
    this.#plain?.show(observation);
    if (observation.kind === "attempt-ended") this.#tellFailure(observation);
  }

  /** Prints what the run has come to. */
  end(result: RunResult, next: readonly NextStep[]): void {
    this.clear();
    if (this.#options.json) {
      print(`${runJson(result)}\n`);
      return;
    }
    const width = lineWidth();
    const { dag } = this.#options;
    const leaves = leavesOf(new Graph(dag)).flatMap((position) => dag.tasks[position]?.id ?? []);
    process.stdout.write(summary(result, { width, leaves, next }));
  }

  clear(): void {
    clearInterval(this.#looking);
    this.#live?.stop();
    this.#live = undefined;
  }

  #open({ runId, dagName, tasks }: Begun): void {
    if (this.#progress !== undefined) return;
    const { live } = this.#options;
    this.#progress = new Progress({ runId, dag: dagName, tasks }, () => performance.now());
    if (live) {
      this.#live = new LiveDisplay(this.#progress, {
        terminal: process.stdout,
        notices: () => this.#notices,
      });
    } else {
      this.#plain = new PlainDisplay(this.#progress, (text) => process.stdout.write(text));
    }
    for (const each of this.#early.splice(0)) this.observe(each);
  }

  #showLine(observation: Observation & { readonly kind: "task-logged" }): void {
    this.#plain?.show(observation);
    if (this.#plain !== undefined) return;
    const out = this.#options.json ? process.stderr : process.stdout;
    const { attempt, line } = observation;
    const name = this.#progress?.nameOf(attempt) ?? instanceName(attempt, { isOneOfSeveral: false });
    const lines = taskLogged(name, line);
    const write = (): void => void out.write(`${lines.join("\n")}\n`);
    if (this.#live === undefined) write();
    else this.#live.aside(write);
  }

  #tellFailure({ outcome, retryInMs }: Observation & { readonly kind: "attempt-ended" }): void {
    if (outcome.state !== "failed" || retryInMs !== undefined) return;
    const progress = this.#progress;
    if (progress === undefined || progress.failures > TOLD_FAILURES) return;
    const text = attemptFailed(progress.nameOf(outcome), outcome, retryInMs);
    this.#live?.aside(() => process.stdout.write(`${text}\n`));
  }
}
