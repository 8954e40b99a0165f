/** How values of artifacts and of rules are compared: as numbers where both are, by their text otherwise. */
import type { JsonValue } from "./json.ts";
import { readNumber, textOf } from "./value-forms.ts";

export type Scalar = string | number;

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
