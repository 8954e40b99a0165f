/** Hands on what tasks log, line by line, and nothing of what they print. */
import type { AttemptOfRun } from "../core/attempt.ts";
import type { AttemptLogs } from "../ports/attempt-logs.ts";

export function lineLogs(onLine: (attempt: AttemptOfRun, line: string) => void): AttemptLogs {
  return {
    open: (attempt) => ({
      line: (text) => onLine(attempt, text),
      print: () => undefined,
      end: () => undefined,
    }),
  };
}
