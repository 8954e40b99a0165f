/**
 * One attempt as a pipeline: inputs → task executor → outcome.
 *
 * A1 It always ends: what does not follow its signal within the grace period is abandoned.
 * A2 The first cause wins: a stop reason is set once, and names the outcome. What returns after its time limit
 *    is timed out, whether it could be told before or not.
 * A3 It never throws; a fault of the worker is an outcome too.
 */
import type { Work } from "../core/attempt.ts";
import { MAX_INLINE_OUTPUT_BYTES } from "../core/facts.ts";
import type { JsonObject } from "../core/json.ts";
import { type FailureReason, type Outcome, shortMessage, type TaskError } from "../core/outcome.ts";
import { isResolved, mergeParams } from "../core/params.ts";
import { isDeeperThan, MAX_DEPTH } from "../core/size.ts";
import { decodeValue, encodeValue, type Stored } from "../core/stored.ts";
import type { AttemptLogs } from "../ports/attempt-logs.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { Clock, Random } from "../ports/clock.ts";
import type { TaskExecutor, TaskReturn } from "../ports/task-executor.ts";
import { checkedAnswer } from "./answer.ts";

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
  const ended = await end(work, stop, options).catch((error: unknown): Ended => workerError(error));
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
  const returned = await perform(work, { stop, deadline }, options).finally(() => timer.cancel());
  // A function that does not let go of the loop holds up the timer too.
  if (clock.monotonic() - begunAt > timeoutMs) stop.now("timed-out");
  const answer = judge(returned, stop, timeoutMs);
  const kept = await keepOutput(work, answer.output, options);
  if (answer.ok) {
    if ("wrong" in kept) return failed(kept.wrong);
    const { skipped } = answer;
    if (skipped === undefined) return { ...kept, state: "completed" };
    return { ...kept, state: "skipped", message: shortMessage(skipped) };
  }
  const { message } = answer.error;
  if (!("wrong" in kept)) return { ...kept, ...failed({ ...answer.error, message: shortMessage(message) }) };
  return failed({ ...answer.error, message: shortMessage(`${message} (and ${kept.wrong.message})`) });
}

function failed(error: TaskError): Ended & { readonly state: "failed" } {
  return { state: "failed", error };
}

/** `deadline` in milliseconds since 1970. */
async function perform(
  work: Work,
  { stop, deadline }: { readonly stop: Stop; readonly deadline: number },
  options: AttemptOptions,
): Promise<TaskReturn> {
  const executor = options.registry.get(work.type);
  if (executor === undefined) {
    const known = options.registry.types().join(", ");
    return failure("unknown-type", `worker has no executor for type '${work.type}'; it has: ${known}`);
  }
  const { inputs } = work;
  const params =
    "inline" in inputs && isResolved(inputs.inline)
      ? mergeParams(inputs.inline)
      : await Promise.race([fetchParams(work, stop, options), toldToEnd(stop)]);
  // Told to end while its inputs were fetched: nothing has begun, and nothing will.
  if (params === undefined || stop.reason !== undefined)
    return failure("cancelled", "told to end before it began");
  const { runId, task, index, attempt, dagName, tenantId, type, command, options: own, env } = work;
  const call = { runId, task, index, attempt, dagName, tenantId, type, command, options: own, env, params };
  const log = options.attemptLogs.open(work);
  const running = executor.execute(call, {
    signal: stop.signal,
    graceMs: options.graceMs,
    deadline,
    log: (line) => log.line(line),
    print: (stream, bytes) => log.print(stream, bytes),
  });
  return Promise.race([running, abandoned(running, stop, options)]).finally(() => log.end());
}

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
function judge(answer: TaskReturn, stop: Stop, timeoutMs: number): TaskReturn {
  switch (stop.reason) {
    case undefined:
      return checkedAnswer(answer);
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
async function fetchParams(work: Work, stop: Stop, { blobs }: AttemptOptions): Promise<JsonObject> {
  const owner = { runId: work.runId };
  const fetched = async <T>(stored: Stored<T>): Promise<{ inline: T }> => {
    if ("inline" in stored) return stored;
    return { inline: decodeValue(await blobs.get(owner, stored.ref, { until: stop.signal })) as T };
  };
  const { inline: inputs } = await fetched(work.inputs);
  const upstream = inputs.upstream.map(async ([task, output]) => [task, await fetched(output)] as const);
  return mergeParams({
    run: await fetched(inputs.run),
    own: inputs.own,
    upstream: await Promise.all(upstream),
  });
}

type Kept = { readonly output?: Stored<JsonObject> } | { readonly wrong: TaskError };

/** Written as JSON once, here, so that neither its size nor its shape can surprise who stores the outcome. */
async function keepOutput(
  work: Work,
  output: JsonObject | undefined,
  { blobs, random, inlineLimit }: AttemptOptions,
): Promise<Kept> {
  if (output === undefined) return {};
  const bytes = bytesOf(output);
  if (typeof bytes === "string") return { wrong: { reason: "output-not-serialisable", message: bytes } };
  if (bytes.length <= Math.min(inlineLimit, MAX_INLINE_OUTPUT_BYTES)) return { output: { inline: output } };
  // Who runs the same attempt once more has other bytes, and a name keeps the first bytes it was given.
  const name = `out-${work.task}-${work.index}-${work.attempt}-${random.id()}`;
  try {
    return { output: { ref: await blobs.put({ runId: work.runId }, name, bytes) } };
  } catch (error) {
    return { wrong: workerError(error, "the output could not be stored: ").error };
  }
}

/** The output as JSON, or why it cannot be written so. */
function bytesOf(output: JsonObject): Uint8Array | string {
  if (isDeeperThan(output, MAX_DEPTH)) {
    return `the output has objects or lists within each other more than ${MAX_DEPTH} levels deep`;
  }
  try {
    return encodeValue(output);
  } catch (error) {
    return shortMessage(`the output cannot be written as JSON: ${textOf(error)}`);
  }
}

function workerError(error: unknown, prefix = ""): Ended & { readonly state: "failed" } {
  return failed({ reason: "worker-error", message: shortMessage(prefix + textOf(error)) });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
