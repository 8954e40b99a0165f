import type { JsonValue } from "./json.ts";

/**
 * Whether a value's JSON text is longer than about `limit` characters. It is counted, not written, and the
 * count stops at the limit, so that the question is cheap for small values and for large ones.
 */
export function isLargerThan(value: JsonValue | undefined, limit: number): boolean {
  return remainder(value, limit) < 0;
}

/** About how many characters the JSON text has; counting stops above `limit`. */
export function jsonSize(value: JsonValue | undefined, limit: number): number {
  return limit - remainder(value, limit);
}

/** What is left of `budget` characters after this value; negative as soon as it is spent. */
function remainder(value: JsonValue | undefined, budget: number): number {
  if (typeof value === "string") return budget - value.length - 2;
  if (typeof value !== "object" || value === null) return budget - 8;
  let left = budget - 2;
  if (Array.isArray(value)) {
    for (const item of value) {
      left = remainder(item, left) - 1;
      if (left < 0) return left;
    }
    return left;
  }
  for (const key in value) {
    left = remainder(value[key], left - key.length - 4);
    if (left < 0) return left;
  }
  return left;
}
