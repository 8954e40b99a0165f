/**
 * What a task executor answers is looked at before it becomes an outcome: anybody may have written it, and whoever folds
 * outcomes relies on their shape.
 */
import { FAILURES, type FailureReason, type TaskError } from "../core/outcome.ts";
import type { TaskReturn } from "../ports/task-executor.ts";

/** They say what became of an attempt, which its task cannot know. */
const NOT_FOR_TASKS: readonly FailureReason[] = ["cancelled", "invalid-outcome"];

/**
 * The answer itself, or a failure that says what is wrong with it. A first attempt alone may be given back: what uses no
 * budget could go on for ever.
 */
export function checkedAnswer(answer: TaskReturn, { isFirst }: { readonly isFirst: boolean }): TaskReturn {
  const refused = new Set<string>(isFirst ? NOT_FOR_TASKS : [...NOT_FOR_TASKS, "released"]);
  const wrong = problemOf(answer, refused);
  if (wrong === undefined) return answer;
  return { ok: false, error: { reason: "invalid-outcome", message: `the task executor's answer: ${wrong}` } };
}

function problemOf(answer: unknown, refused: ReadonlySet<string>): string | undefined {
  if (!isMap(answer)) return "must be { ok: true, output } or { ok: false, error: { reason, message } }";
  const { ok, output, skipped, artifacts, error } = answer;
  if (typeof ok !== "boolean") return "ok: must be true or false";
  if (!isMap(output) && (ok || output !== undefined)) return "output: must be an object";
  if (!ok) return problemOfError(error, refused);
  // What is in the list is judged when it is handed over.
  if (artifacts !== undefined && !Array.isArray(artifacts)) return "artifacts: must be a list";
  return skipped === undefined || typeof skipped === "string" ? undefined : "skipped: must be text";
}

function problemOfError(error: unknown, refused: ReadonlySet<string>): string | undefined {
  if (!isMap(error)) return "error: must be { reason, message }";
  const { reason, message, exitCode, signal, isFinal, againAfterMs, giveUpAfterMs } = error as {
    readonly [K in keyof TaskError]?: unknown;
  };
  if (typeof reason !== "string" || !Object.hasOwn(FAILURES, reason) || refused.has(reason)) {
    const allowed = Object.keys(FAILURES).filter((each) => !refused.has(each));
    return `error.reason: must be one of ${allowed.join(", ")}`;
  }
  if (typeof message !== "string") return "error.message: must be text";
  if (exitCode !== undefined && !Number.isSafeInteger(exitCode))
    return "error.exitCode: must be a whole number";
  if (signal !== undefined && typeof signal !== "string") return "error.signal: must be text";
  if (isFinal !== undefined && isFinal !== true) return "error.isFinal: must be true, or absent";
  if (!isDuration(againAfterMs)) return "error.againAfterMs: must be a number of milliseconds";
  return isDuration(giveUpAfterMs) ? undefined : "error.giveUpAfterMs: must be a number of milliseconds";
}

function isDuration(value: unknown): boolean {
  return value === undefined || (typeof value === "number" && Number.isFinite(value) && value >= 0);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
