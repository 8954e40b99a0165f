/** How values of artifacts and of rules are compared: as numbers where both are, by their text otherwise. */
import type { JsonValue } from "./json.ts";

export type Scalar = string | number;

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

/**
 * Whether a value is equal to one of these. True and false are equal to these words, in any case, and to no number.
 * What a value costs does not depend on how many they are.
 */
export function isMatchOf(wanted: readonly Scalar[]): (value: JsonValue) => boolean {
  const numbers = new Set<number>();
  const texts = new Set<string>();
  const words = new Set<string>();
  for (const each of wanted) {
    const number = readNumber(each);
    if (number === undefined) texts.add(String(each));
    // It is not even equal to itself.
    else if (!Number.isNaN(number)) numbers.add(number);
    words.add(String(each).toLowerCase());
  }
  return (value) => {
    if (typeof value === "boolean") return words.has(String(value));
    const number = readNumber(value);
    return number === undefined ? texts.has(textOf(value)) : numbers.has(number);
  };
}
