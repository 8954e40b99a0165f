/** What a program hands over. TypeScript would say the same; without it, what is wrong must not pass in silence. */
import { BadInput } from "../../internal/executor/executor.ts";
import { isMap } from "../../internal/core/not-json.ts";
import { formatPath, shown } from "../../internal/core/shown.ts";
import { problemsOfValue } from "../../internal/spec/json.ts";
import { unknownField } from "../../internal/spec/problems.ts";

/** The names of the fields of `T`, all of them. */
export type FieldsOf<T> = Readonly<Record<keyof T, true>>;

/** Throws `BadInput` when `given` is no object, or has a field that is not in `fields`. `what` begins the message. */
export function checkFields<T>(what: string, given: unknown, fields: FieldsOf<T>): void {
  if (!isMap(given)) throw new BadInput(`${what} takes an object, not ${shown(given)}`);
  const allowed = Object.keys(fields);
  const unknown = Object.keys(given).find((name) => given[name] !== undefined && !allowed.includes(name));
  if (unknown !== undefined) throw new BadInput(`${what}: ${unknownField(unknown, allowed)}`);
}

/** Throws `BadInput` unless it is a map of names to JSON, in which every reference to a secret can name one. */
export function checkParams(given: unknown): void {
  if (!isMap(given)) throw new BadInput(`params must be a map of names to values, not ${shown(given)}`);
  const [first] = problemsOfValue(given);
  if (first !== undefined) throw new BadInput(`${formatPath(["params", ...first.path])}: ${first.message}`);
}

/** Throws `BadInput` unless it is absent, or text with something in it. */
export function checkText(name: string, given: unknown): void {
  if (given === undefined || (typeof given === "string" && given !== "")) return;
  throw new BadInput(`${name} must be text that is not empty, not ${shown(given)}`);
}
