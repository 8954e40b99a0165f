import type { AttemptLogs } from "../../internal/ports/attempt-logs.ts";

/** What attempts print goes nowhere. */
export const noLogs: AttemptLogs = {
  open: () => ({ line: () => undefined, print: () => undefined, end: () => undefined }),
};
