/** What has happened, as a sentence for a person. */
import type { Outcome } from "../core/outcome.ts";
import { harmless, oneLine, shortDuration } from "./text.ts";

/** `load failed after 85ms (attempt 1): exit code 7; retrying in 1.3s`; `name` is that of the instance. */
export function attemptFailed(
  name: string,
  { attempt, durationMs, error }: Outcome & { readonly state: "failed" },
  retryInMs: number | undefined,
): string {
  if (error.reason === "not-yet" && retryInMs !== undefined) {
    return `${name} looked in vain (attempt ${attempt}): ${oneLine(error.message)}; looking again in ${shortDuration(retryInMs)}`;
  }
  const next = retryInMs === undefined ? "" : `; ${retrying(retryInMs)}`;
  return `${name} failed after ${shortDuration(durationMs)} (attempt ${attempt}): ${oneLine(error.message)}${next}`;
}

function retrying(inMs: number): string {
  return inMs < 1 ? "running it again" : `retrying in ${shortDuration(inMs)}`;
}

/** `load: 42 rows`, for each line of what a task has logged. */
export function taskLogged(name: string, text: string): string[] {
  return harmless(text)
    .trimEnd()
    .split("\n")
    .map((line) => `${name}: ${line}`);
}
