import type { JsonValue } from "./json.ts";

/**
 * Whether a value's JSON text is longer than `limit` bytes. It is counted, not written, and the count stops at
 * the limit, so that the question is cheap for small values and for large ones.
 */
export function isLargerThan(value: JsonValue | undefined, limit: number): boolean {
  return remainder(value, limit) < 0;
}

/** How many bytes the JSON text has; counting stops above `limit`. */
export function jsonSize(value: JsonValue | undefined, limit: number): number {
  return limit - remainder(value, limit);
}

/**
 * Objects and lists within each other beyond this are refused: who writes them as JSON goes into himself once a
 * level, and at some thousands runs out of stack.
 */
export const MAX_DEPTH = 1_000;

/** Whether objects and lists stand within each other more than `levels` deep. */
export function isDeeperThan(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeperThan(item, levels - 1));
  for (const key in value) if (isDeeperThan(value[key], levels - 1)) return true;
  return false;
}

/** What is left of `budget` bytes after this value; negative as soon as it is spent. */
function remainder(value: JsonValue | undefined, budget: number): number {
  if (typeof value === "string") return afterText(value, budget);
  if (value === undefined) return budget;
  if (typeof value === "object" && value !== null) return afterMembers(value, budget);
  const isNull = value === null || (typeof value === "number" && !Number.isFinite(value));
  return budget - (isNull ? 4 : String(value).length);
}

/** Brackets, and after each member but the last a comma. */
function afterMembers(value: JsonValue[] | Readonly<Record<string, JsonValue>>, budget: number): number {
  let left = budget - 2;
  let isFirst = true;
  if (Array.isArray(value)) {
    for (const item of value) {
      left = remainder(item, isFirst ? left : left - 1);
      if (left < 0) return left;
      isFirst = false;
    }
    return left;
  }
  for (const key in value) {
    const member = value[key];
    if (member === undefined) continue;
    left = remainder(member, afterText(key, left) - (isFirst ? 1 : 2));
    if (left < 0) return left;
    isFirst = false;
  }
  return left;
}

/** Control characters and half surrogate pairs are escaped with six bytes, a few with two; the rest is UTF-8. */
function afterText(text: string, budget: number): number {
  let left = budget - 2 - text.length;
  if (left < 0) return left;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) left -= code < 0x8_00 ? 1 : beyond(text, i);
    else if (code < 0x20) left -= SHORT_ESCAPES.has(code) ? 1 : 5;
    else if (code === QUOTE || code === BACKSLASH) left -= 1;
    if (left < 0) return left;
  }
  return left;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** \b \t \n \f \r */
const SHORT_ESCAPES: ReadonlySet<number> = new Set([8, 9, 10, 12, 13]);

/** Bytes beyond the first of the UTF-16 unit at `i`: half of a surrogate pair has two, one that stands alone is escaped. */
function beyond(text: string, i: number): number {
  const code = text.charCodeAt(i);
  if (code < 0xd8_00 || code > 0xdf_ff) return 2;
  const isHigh = code < 0xdc_00;
  const other = text.charCodeAt(isHigh ? i + 1 : i - 1);
  const isPair = isHigh ? other >= 0xdc_00 && other <= 0xdf_ff : other >= 0xd8_00 && other <= 0xdb_ff;
  return isPair ? 1 : 5;
}
