/** Pipes for lists, and for what may be missing. */
import type { JsonValue } from "../json.ts";
import { type Pipe, readInteger } from "./pipe.ts";
import { EvaluationFailure, type Work } from "./work.ts";

/** Between the items of a list in text. */
export const SEPARATOR = ", ";

export const LIST_PIPES = {
  default: { arity: [0, 1], apply: (value, [other = ""]) => (value === "" ? other : value) },
  required: {
    arity: [0, 0],
    apply: (value) => {
      if (value === "")
        throw new EvaluationFailure("required_missing", "a value is required, and there is none");
      return value;
    },
  },
  first: ofList((list) => list[0]),
  last: ofList((list) => list.at(-1)),
  nth: {
    arity: [0, 1],
    apply: (value, [index = "0"]) =>
      Array.isArray(value) ? (value[readInteger(index) ?? -1] ?? null) : value,
  },
  join: {
    arity: [0, 1],
    apply: (value, [separator = SEPARATOR], work) => joined(value, separator, work),
  },
  string: {
    arity: [0, 0],
    apply: (value, _args, work) => (Array.isArray(value) ? shown(value, work) : work.text(value)),
  },
  flatten: ofList((list, work) => {
    work.goOver(list.reduce<number>((sum, item) => sum + (Array.isArray(item) ? item.length : 1), 0));
    return list.flat();
  }),
  compact: ofList((list, work) => {
    work.goOver(list.length);
    return list.filter((item) => item !== null);
  }),
} as const satisfies Record<string, Pipe>;

/** A pipe without arguments that leaves alone what is no list. */
function ofList(change: (list: readonly JsonValue[], work: Work) => JsonValue | undefined): Pipe {
  return {
    arity: [0, 0],
    apply: (value, _args, work) => (Array.isArray(value) ? (change(value, work) ?? null) : value),
  };
}

/** The items' texts without the nulls, or the text of what is no list. */
export function joined(value: JsonValue, separator: string, work: Work): string {
  if (!Array.isArray(value)) return work.text(value);
  work.goOver(value.length);
  const present = value.filter((item) => item !== null);
  return texts(
    present.map((item) => work.text(item)),
    separator,
    work,
  );
}

/** As `join`, with the nulls. */
function shown(list: readonly JsonValue[], work: Work): string {
  work.goOver(list.length);
  return texts(
    list.map((item) => (item === null ? "null" : work.text(item))),
    SEPARATOR,
    work,
  );
}

function texts(all: readonly string[], separator: string, work: Work): string {
  const separators = Math.max(0, all.length - 1) * separator.length;
  work.allow(all.reduce((sum, text) => sum + text.length, separators));
  return all.join(separator);
}
