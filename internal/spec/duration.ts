/** Durations as people write them. */

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

/** Every unit at most once, the largest first; or a number of seconds. */
export const DURATION =
  /^\s*(?:(\d+(?:\.\d+)?)|(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?)\s*$/;

/** The same, longer than 0. */
export const SOME_TIME = new RegExp(String.raw`(?=[\s\S]*[1-9])${DURATION.source}`);

export const DURATION_RULE = "write it like 500ms, 30s, 5m, 1h30m, or as a number of seconds";

/** The most whose milliseconds can be counted. */
export const MAX_SECONDS = Math.floor(Number.MAX_SAFE_INTEGER / 1_000);

/** `500ms`, `30s`, `1h30m` (units d, h, m, s, ms, each at most once, largest first) or a number of seconds; whole milliseconds, or `undefined` if it is none. */
export function parseDuration(value: unknown): number | undefined {
  const ms = Math.round(read(value));
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : undefined;
}

function read(value: unknown): number {
  if (typeof value === "number") return value * 1_000;
  if (typeof value !== "string") return Number.NaN;
  const match = DURATION.exec(value);
  if (match === null) return Number.NaN;
  const [, seconds, ...counts] = match;
  if (seconds !== undefined) return Number(seconds) * 1_000;
  return UNITS.reduce((sum, [, ms], i) => sum + Number(counts[i] ?? 0) * ms, 0);
}

/** The shortest text that `parseDuration` reads as the same. */
export function formatDuration(ms: number): string {
  let left = Math.round(ms);
  let text = "";
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  return text === "" ? "0s" : text;
}
