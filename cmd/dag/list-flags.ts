/** Flags that several lists have. */
import { systemClock } from "../../internal/memory/system.ts";
import { parseDuration } from "../../internal/spec/duration.ts";
import { UsageError } from "./usage-error.ts";

const DEFAULT_LIMIT = 25;
const MAX_LIMIT = 100_000;

/** Default 25. Throws `UsageError`. */
export function limitOf(text: string | undefined): number {
  const limit = text === undefined ? DEFAULT_LIMIT : Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new UsageError(`--limit: '${text}' is not allowed: use a whole number from 1 to ${MAX_LIMIT}`);
}

/** A length of time back from now, or a point in time; in milliseconds since 1970. Throws `UsageError`. */
export function sinceOf(text: string): number {
  const back = parseDuration(text);
  if (back !== undefined) return systemClock.now() - back;
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `--since: '${text}' is not allowed: use a length of time such as 90m or 24h, or a time such as 2026-01-31 or 2026-01-31T08:00:00Z`,
  );
}

/** What may be added below a list that was cut. */
export function moreLine(shown: number, limit: number): string[] {
  return shown === limit ? [`the newest ${limit}; --limit N shows more`] : [];
}
