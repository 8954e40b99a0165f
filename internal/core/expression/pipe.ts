/** What a pipe is. */
import type { JsonValue } from "../json.ts";
import type { Work } from "./work.ts";

export interface Pipe {
  /** How many arguments it takes: at least, and at most. */
  readonly arity: readonly [min: number, max: number];
  /** The value is never null: where there is none, pipes are given the empty text. */
  readonly apply: (value: Exclude<JsonValue, null>, args: readonly string[], work: Work) => JsonValue;
}

/** A pipe without arguments from text to text. */
export const ofText = (change: (text: string) => string): Pipe => ({
  arity: [0, 0],
  apply: (value, _args, work) => change(work.text(value)),
});

const INTEGER = /^[+-]?\d+$/;

/** Of an argument; `undefined` where it is no whole number. */
export function readInteger(text: string): number | undefined {
  return INTEGER.test(text) ? Number(text) : undefined;
}
