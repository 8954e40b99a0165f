/** A value as text, and as the number that it says. */
import type { JsonValue } from "./json.ts";

const NUMBER = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|(?<infinite>inf(?:inity)?)|(?<none>nan))$/i;

/**
 * The number that a value is, or that its text says: `5`, ` 007 `, `1e3`, `.5`, `inf`, `nan`, any case; `undefined` for
 * all else, `0x10`, `1_000`, `true` and true among it.
 */
export function readNumber(value: JsonValue): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  const groups = NUMBER.exec(text)?.groups;
  if (groups === undefined) return undefined;
  if (groups.none !== undefined) return Number.NaN;
  if (groups.infinite !== undefined) return text.startsWith("-") ? -Infinity : Infinity;
  return Number(text);
}

/** As JSON writes it, but of text the text itself, and of null nothing. */
export function textOf(value: JsonValue): string {
  if (typeof value === "string") return value;
  return value === null ? "" : JSON.stringify(value);
}
