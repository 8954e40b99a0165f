/**
 * One attempt as a pipeline: inputs → secrets → task executor → mask → outcome.
 *
 * A1 It always ends: what does not follow its signal within the grace period is abandoned.
 * A2 The first cause wins: a stop reason is set once, and names the outcome. What returns after its time limit
 *    is timed out, whether it could be told before or not.
 * A3 It never throws; a fault of the worker is an outcome too.
 * A4 The values of secrets go to the task and nowhere else: its outcome and its log are masked.
 */
import type { Work } from "../core/attempt.ts";
import type { JsonObject } from "../core/json.ts";
import { type FailureReason, type Outcome, shortMessage, type TaskError } from "../core/outcome.ts";
import type { Mask } from "../core/mask.ts";
import { isResolved, mergeParams, type ResolvedInputs } from "../core/params.ts";
import { decodeValue, type Stored } from "../core/stored.ts";
import { flagOfType } from "../core/task-types.ts";
import type { AttemptLogs } from "../ports/attempt-logs.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { Clock, Random } from "../ports/clock.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { TaskCall, TaskContext, TaskExecutor, TaskReturn } from "../ports/task-executor.ts";
import { checkedAnswer } from "./answer.ts";
import { keepOutput } from "./attempt-output.ts";
import { maskedLog, revealSecrets } from "./attempt-secrets.ts";
import { workerError } from "./worker-error.ts";

export interface AttemptOptions {
  readonly workerId: string;
  /** Time limit of an attempt that brings none, in milliseconds. */
  readonly taskTimeoutMs: number;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly random: Random;
  readonly registry: { get(type: string): TaskExecutor | undefined; types(): readonly string[] };
  /** How long a task may take to end by itself once it is told to, in milliseconds. */
  readonly graceMs: number;
  /** An output above this many bytes of JSON goes by reference; one above 192 KiB always. */
  readonly inlineLimit: number;
  readonly attemptLogs: AttemptLogs;
  readonly secrets: Secrets;
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
  | { readonly state: "completed"; readonly output?: Stored<JsonObject> }
  | { readonly state: "skipped"; readonly output?: Stored<JsonObject>; readonly message: string }
  | { readonly state: "failed"; readonly output?: Stored<JsonObject>; readonly error: TaskError };

async function end(work: Work, stop: Stop, options: AttemptOptions): Promise<Ended> {
  const timeoutMs = work.timeoutMs ?? options.taskTimeoutMs;
  const { clock } = options;
  const begunAt = clock.monotonic();
  const timer = clock.after(timeoutMs, () => stop.now("timed-out"));
  const deadline = clock.now() + timeoutMs;
  const performed = await perform(work, { stop, deadline }, options).finally(() => timer.cancel());
  // A function that does not let go of the loop holds up the timer too.
  if (clock.monotonic() - begunAt > timeoutMs) stop.now("timed-out");
  try {
    const answer = judge(performed.returned, stop, { timeoutMs, isFirst: work.attempt === 1 });
    return await conclude(work, { ...performed, answer }, options);
  } catch (error) {
    return failed(workerError(error), performed.mask);
  }
}

async function conclude(
  work: Work,
  { answer, mask }: { readonly answer: TaskReturn; readonly mask?: Mask | undefined },
  options: AttemptOptions,
): Promise<Ended> {
  const kept = await keepOutput(work, { output: answer.output, mask }, options);
  if (answer.ok) {
    if ("wrong" in kept) return failed(kept.wrong, mask);
    const { skipped } = answer;
    if (skipped === undefined) return { ...kept, state: "completed" };
    return { ...kept, state: "skipped", message: shown(skipped, mask) };
  }
  if (!("wrong" in kept)) return { ...kept, ...failed(answer.error, mask) };
  const message = `${answer.error.message} (and ${kept.wrong.message})`;
  return failed({ ...answer.error, message }, mask);
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
  { stop, deadline }: { readonly stop: Stop; readonly deadline: number },
  options: AttemptOptions,
): Promise<Performed> {
  const { allow } = options;
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
  const opened = await open(work, stop, options);
  if ("error" in opened) return { returned: { ok: false, error: opened.error } };
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

type Opened = { readonly call: TaskCall; readonly mask?: Mask | undefined } | { readonly error: TaskError };

/** The call as its executor takes it, with its inputs fetched and the secrets in their places. */
async function open(work: Work, stop: Stop, options: AttemptOptions): Promise<Opened> {
  const inputs =
    "inline" in work.inputs && isResolved(work.inputs.inline)
      ? work.inputs.inline
      : await Promise.race([fetchInputs(work, stop, options), toldToEnd(stop)]);
  if (inputs === undefined) return TOO_LATE;
  const { env, options: own } = work;
  const revealing = revealSecrets({ env, options: own, inputs }, options.secrets, stop.signal);
  const parts = revealing instanceof Promise ? await Promise.race([revealing, toldToEnd(stop)]) : revealing;
  // Told to end meanwhile: nothing has begun, and nothing will.
  if (parts === undefined || stop.reason !== undefined) return TOO_LATE;
  if ("error" in parts) return parts;
  const { runId, task, index, attempt, dagName, tenantId, type, command } = work;
  const about = { runId, task, index, attempt, dagName, tenantId, type, command };
  const params = mergeParams(parts.inputs);
  return { call: { ...about, options: parts.options, env: parts.env, params }, mask: parts.mask };
}

const TOO_LATE = failure("cancelled", "told to end before it began");

async function toldToEnd({ signal }: Stop): Promise<undefined> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

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
  switch (stop.reason) {
    case undefined:
      return checkedAnswer(answer, { isFirst });
    case "timed-out": {
      const message = `time limit of ${timeoutMs / 1_000} s reached`;
      return { ...failure("timed-out", message), ...outputOf(answer) };
    }
    case "cancelled":
    case "released":
      if (answer.ok) return answer;
      return { ...failure(stop.reason, WHY[stop.reason]), ...outputOf(answer) };
  }
}

function outputOf(answer: TaskReturn): { output?: JsonObject } {
  return answer.output === undefined ? {} : { output: answer.output };
}

function failure(reason: FailureReason, message: string): { ok: false; error: TaskError } {
  return { ok: false, error: { reason, message } };
}

/** A server that does not answer is waited for: the task has done nothing wrong. */
async function fetchInputs(work: Work, stop: Stop, { blobs }: AttemptOptions): Promise<ResolvedInputs> {
  const owner = { runId: work.runId };
  const fetched = async <T>(stored: Stored<T>): Promise<{ inline: T }> => {
    if ("inline" in stored) return stored;
    return { inline: decodeValue(await blobs.get(owner, stored.ref, { until: stop.signal })) as T };
  };
  const { inline: inputs } = await fetched(work.inputs);
  const upstream = inputs.upstream.map(async ([task, output]) => [task, await fetched(output)] as const);
  return { run: await fetched(inputs.run), own: inputs.own, upstream: await Promise.all(upstream) };
}
