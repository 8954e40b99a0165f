/** Puts the values of expressions into the params and the options of a task, where its definition has them. */
import { expressedIn, type ExpressedValue, replaceInOptions, replaceInParams } from "./expressed.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import type { Task } from "./model.ts";
import { formatPath } from "./shown.ts";
import type { Sources } from "./sources.ts";
import { textOf } from "./value-forms.ts";

type Parts = Pick<Task, "type" | "params" | "options">;

export type FilledIn =
  | { readonly params: JsonObject; readonly options: JsonObject }
  /** Where an expression cannot be evaluated, and why. */
  | { readonly problem: string };

/**
 * Params first: what they come to is `config` in options. In params themselves it is those that have no expression in
 * them. Where text is needed it is the text form of the value; null is left out there, and is the empty text where one
 * value stands by itself.
 */
export function fillIn({ type, params, options }: Parts, sources: Sources): FilledIn {
  const first = new Filling(sources, plainParams(params));
  const filled = replaceInParams(params, (place) => first.value(place));
  if (first.problem !== undefined) return { problem: first.problem };
  const second = new Filling(sources, filled);
  const made = replaceInOptions(type, options, (place) => second.value(place));
  return second.problem === undefined ? { params: filled, options: made } : { problem: second.problem };
}

/** Names of params that have an expression in them. */
export function expressedParams(params: JsonObject): ReadonlySet<string> {
  const places = expressedIn({ type: "", params, options: {} });
  return new Set(places.map(({ path }) => String(path[1])));
}

function plainParams(params: JsonObject): JsonObject {
  const expressed = expressedParams(params);
  return Object.fromEntries(Object.entries(params).filter(([name]) => !expressed.has(name)));
}

class Filling {
  readonly #sources: Sources;
  readonly #config: JsonObject;
  /** The first; nothing more is evaluated after it. */
  problem: string | undefined;

  constructor(sources: Sources, config: JsonObject) {
    this.#sources = sources;
    this.#config = config;
  }

  value({ path, text, isText }: ExpressedValue & { readonly isText: boolean }): JsonValue | undefined {
    if (this.problem !== undefined) return null;
    const evaluated = this.#sources.evaluate(text, this.#config);
    if ("problem" in evaluated) {
      const { offset, message } = evaluated.problem;
      this.problem = `${formatPath(path)}: expression, at character ${offset + 1}: ${message}`;
      return null;
    }
    const { value } = evaluated;
    if (!isText) return value;
    return value === null ? undefined : textOf(value);
  }
}
