/** What was thrown where nobody expected it. */
import type { TaskError } from "../core/outcome.ts";

export function workerError(error: unknown, prefix = ""): TaskError {
  return { reason: "worker-error", message: prefix + textOf(error) };
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
