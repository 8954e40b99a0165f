/** Durations as people write them. */

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

export const DURATION_RULE = "write it like 500ms, 30s, 5m, 1h30m, or as a number of seconds";

/** `500ms`, `30s`, `1h30m` (units d, h, m, s, ms, each at most once, largest first) or a number of seconds; whole milliseconds, or `undefined` if it is none. */
export function parseDuration(value: unknown): number | undefined {
  const ms = Math.round(read(value));
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : undefined;
}

function read(value: unknown): number {
  if (typeof value === "number") return value * 1_000;
  if (typeof value !== "string") return Number.NaN;
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const match = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/.exec(text);
  if (match === null || text === "") return Number.NaN;
  return UNITS.reduce((sum, [, ms], i) => sum + Number(match[i + 1] ?? 0) * ms, 0);
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
