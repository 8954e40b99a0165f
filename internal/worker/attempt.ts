/**
 * One attempt as a pipeline: inputs → secrets → files → task executor → mask → what it hands over → outcome.
 *
 * A1 It always ends: what does not follow its signal within the grace period is abandoned.
 * A2 The first cause wins: a stop reason is set once, and names the outcome. What returns after its time limit
 *    is timed out, whether it could be told before or not.
 * A3 It never throws; a fault of the worker is an outcome too.
 * A4 The values of secrets go to the task and nowhere else: its outcome and its log are masked.
 */
import type { Handed } from "../core/artifact.ts";
import type { Work } from "../core/attempt.ts";
import type { Patterns } from "../core/expression/patterns.ts";
import type { JsonObject } from "../core/json.ts";
import { type FailureReason, type Outcome, shortMessage, type TaskError } from "../core/outcome.ts";
import type { Mask } from "../core/mask.ts";
import type { Stored } from "../core/stored.ts";
import { flagOfType } from "../core/task-types.ts";
import type { AttemptLogs } from "../ports/attempt-logs.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { Clock } from "../ports/clock.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { TaskCall, TaskContext, TaskExecutor, TaskReturn } from "../ports/task-executor.ts";
import { checkedAnswer } from "./answer.ts";
import { type ArtifactOptions, handOver } from "./attempt-artifacts.ts";
import { AttemptEnd } from "./attempt-end.ts";
import { keepOutput } from "./attempt-output.ts";
import { openCall } from "./attempt-call.ts";
import { maskedLog } from "./attempt-secrets.ts";
import { workerError } from "./worker-error.ts";

export interface AttemptOptions extends Omit<ArtifactOptions, "blobs"> {
  readonly workerId: string;
  /** Time limit of an attempt that brings none, in milliseconds. */
  readonly taskTimeoutMs: number;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly registry: { get(type: string): TaskExecutor | undefined; types(): readonly string[] };
  /** How long a task may take to end by itself once it is told to, in milliseconds. */
  readonly graceMs: number;
  /** An output above this many bytes of JSON goes by reference; one above 192 KiB always. */
  readonly inlineLimit: number;
  readonly attemptLogs: AttemptLogs;
  readonly secrets: Secrets;
  /** For patterns in expressions. */
  readonly patterns: Patterns;
  /** Task types that it runs, by their canonical names. Default: all that it has an executor for. */
  readonly allow?: readonly string[];
}

export type StopReason = Extract<FailureReason, "timed-out" | "cancelled" | "released">;

/** What killing takes beyond the grace period. */
const KILL_MARGIN_MS = 2_000;

/** Tells a running attempt to end; the first reason stays. */
export class Stop {
  readonly #controller = new AbortController();
  #reason: StopReason | undefined;

  get reason(): StopReason | undefined {
    return this.#reason;
  }
  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  now(reason: StopReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller.abort(reason);
  }
}

export async function runAttempt(work: Work, stop: Stop, options: AttemptOptions): Promise<Outcome> {
  const { clock, workerId } = options;
  const { task, index, attempt } = work;
  const begunAt = clock.monotonic();
  const ended = await end(work, stop, options).catch((error: unknown): Ended =>
    failed(workerError(error), undefined),
  );
  const durationMs = Math.round((clock.monotonic() - begunAt) * 1_000) / 1_000;
  return { task, index, attempt, worker: workerId, durationMs, ...ended };
}

/** How it ended: an outcome without the identity. */
type Ended =
  | { readonly state: "completed"; readonly output?: Stored<JsonObject>; readonly artifacts?: Handed }
  | { readonly state: "skipped"; readonly output?: Stored<JsonObject>; readonly message: string }
  | { readonly state: "failed"; readonly output?: Stored<JsonObject>; readonly error: TaskError };

async function end(work: Work, stop: Stop, options: AttemptOptions): Promise<Ended> {
  const timeoutMs = work.timeoutMs ?? options.taskTimeoutMs;
  const { clock } = options;
  const begunAt = clock.monotonic();
  const timer = clock.after(timeoutMs, () => stop.now("timed-out"));
  const deadline = clock.now() + timeoutMs;
  const over = new AttemptEnd();
  let mask: Mask | undefined;
  try {
    const performed = await perform(work, { stop, deadline, over }, options);
    ({ mask } = performed);
    // A function that does not let go of the loop holds up the timer too.
    if (clock.monotonic() - begunAt > timeoutMs) stop.now("timed-out");
    return await conclude(work, { ...performed, stop, timeoutMs }, options);
  } catch (error) {
    return failed(workerError(error), mask);
  } finally {
    timer.cancel();
    over.reached();
  }
}

interface Concluding extends Performed {
  readonly stop: Stop;
  readonly timeoutMs: number;
}

async function conclude(
  work: Work,
  { returned, mask, stop, timeoutMs }: Concluding,
  options: AttemptOptions,
): Promise<Ended> {
  const answer = judge(returned, stop, { timeoutMs, isFirst: work.attempt === 1 });
  const kept = await keepOutput(work, { output: answer.output, mask }, options);
  if (!answer.ok) {
    if (!("wrong" in kept)) return { ...kept, ...failed(answer.error, mask) };
    const message = `${answer.error.message} (and ${kept.wrong.message})`;
    return failed({ ...answer.error, message }, mask);
  }
  if ("wrong" in kept) return failed(kept.wrong, mask);
  const { skipped, artifacts } = answer;
  if (skipped !== undefined) return { ...kept, state: "skipped", message: shown(skipped, mask) };
  if (artifacts === undefined || artifacts.length === 0) return { ...kept, state: "completed" };
  const handed = await handOver(work, { artifacts, mask, signal: stop.signal }, options);
  if ("handed" in handed) return { ...kept, state: "completed", artifacts: handed.handed };
  if ("wrong" in handed) return { ...kept, ...failed(handed.wrong, mask) };
  return { ...kept, ...failed(stoppedBy(stop, timeoutMs), mask) };
}

function failed(error: TaskError, mask: Mask | undefined): Ended & { readonly state: "failed" } {
  return { state: "failed", error: { ...error, message: shown(error.message, mask) } };
}

/** Masked before it is cut: half a secret is not found. */
function shown(message: string, mask: Mask | undefined): string {
  return shortMessage(mask === undefined ? message : mask.text(message));
}

interface Performed {
  readonly returned: TaskReturn;
  /** Of the secrets that the task was given. */
  readonly mask?: Mask | undefined;
}

/** `deadline` in milliseconds since 1970. */
async function perform(
  work: Work,
  { stop, deadline, over }: { readonly stop: Stop; readonly deadline: number; readonly over: AttemptEnd },
  options: AttemptOptions,
): Promise<Performed> {
  const { allow, artifactLimits } = options;
  if (allow !== undefined && !allow.includes(work.type)) {
    const message = `tasks of type '${work.type}' are not allowed on this worker, see --allow; allowed: ${allow.join(", ")}`;
    return { returned: failure("refused", message) };
  }
  const executor = options.registry.get(work.type);
  if (executor === undefined) {
    const known = options.registry.types().join(", ");
    const flag = flagOfType(work.type);
    const advice = flag === undefined ? "" : `, which needs ${flag}`;
    const message = `worker has no executor for type '${work.type}'${advice}; it has: ${known}`;
    return { returned: failure("unknown-type", message) };
  }
  const atEnd = (act: () => void): void => over.add(act);
  const opened = await openCall(work, { signal: stop.signal, seesFiles: executor.seesFiles, atEnd }, options);
  if (opened === undefined) return { returned: TOO_LATE };
  if ("error" in opened) return { returned: { ok: false, error: opened.error }, mask: opened.mask };
  const { call, mask } = opened;
  const ownLog = options.attemptLogs.open(work, options.workerId);
  const log = mask === undefined ? ownLog : maskedLog(ownLog, mask);
  const running = run(executor, call, {
    signal: stop.signal,
    graceMs: options.graceMs,
    deadline,
    log: (line) => log.line(line),
    print: (stream, bytes) => log.print(stream, bytes),
    masked: (text) => (mask === undefined ? text : mask.text(text)),
    artifactLimits,
    atEnd,
  });
  const returned = await Promise.race([running, abandoned(running, stop, options)]);
  log.end();
  return { returned, mask };
}

/** Never rejects: what an executor throws may hold a secret, and is masked as what it returns. */
async function run(executor: TaskExecutor, call: TaskCall, context: TaskContext): Promise<TaskReturn> {
  try {
    return await executor.execute(call, context);
  } catch (error) {
    return { ok: false, error: workerError(error) };
  }
}

const TOO_LATE = failure("cancelled", "told to end before it began");

/** Settles only after a stop, when the grace period is over and the executor has still not returned. */
function abandoned(running: Promise<unknown>, stop: Stop, options: AttemptOptions): Promise<TaskReturn> {
  return new Promise((resolve) => {
    const arm = (): void => {
      const giveUp = (): void => resolve(failure("cancelled", "did not end within the grace period"));
      const timer = options.clock.after(options.graceMs + KILL_MARGIN_MS, giveUp);
      running.finally(() => timer.cancel()).catch(() => undefined);
    };
    if (stop.signal.aborted) arm();
    else stop.signal.addEventListener("abort", arm, { once: true });
  });
}

/** `dag explain` shows it behind the reason. */
const WHY = {
  cancelled: "told to end with its run",
  released: "given back before its end: its worker drains, or it runs elsewhere",
} as const;

/** What the answer means, given why the attempt had to end, if it had to. */
function judge(
  answer: TaskReturn,
  stop: Stop,
  { timeoutMs, isFirst }: { readonly timeoutMs: number; readonly isFirst: boolean },
): TaskReturn {
  if (stop.reason === undefined) return checkedAnswer(answer, { isFirst });
  if (stop.reason !== "timed-out" && answer.ok) return answer;
  return { ok: false, error: stoppedBy(stop, timeoutMs), ...outputOf(answer) };
}

function stoppedBy({ reason = "cancelled" }: Stop, timeoutMs: number): TaskError {
  const message = reason === "timed-out" ? `time limit of ${timeoutMs / 1_000} s reached` : WHY[reason];
  return { reason, message };
}

function outputOf(answer: TaskReturn): { output?: JsonObject } {
  return answer.output === undefined ? {} : { output: answer.output };
}

function failure(reason: FailureReason, message: string): { ok: false; error: TaskError } {
  return { ok: false, error: { reason, message } };
}
