/**
 * Values of a task that its definition gives by expressions: `{ expression: "…" }` in the place of a value.
 *
 * They stand in its params, and in options of its type that are named here. Nothing else is ever looked through for
 * them: what came with the run, or from other tasks, is data, whatever it looks like.
 */
import type { JsonObject, JsonValue } from "./json.ts";
import type { Task } from "./model.ts";

/** Such a map as data is written with its text as an expression: `{ expression: { expression: "…" } }`. */
export interface Expressed {
  readonly expression: string;
}

/** An expression, and where it stands: from the task on, such as `["with", "headers", "x-day"]`. */
export interface ExpressedValue {
  readonly path: Path;
  readonly text: string;
}

type Path = readonly (string | number)[];

/** What stands for an expression; `undefined`: it is left out of the list or the map that it stands in. */
type Replace = (place: ExpressedValue & { readonly isText: boolean }) => JsonValue | undefined;

interface Place {
  /** Whether it is one value, or a map with names of the author's, of which each is one. */
  readonly kind: "value" | "map";
  /** It takes text alone. */
  readonly isText: boolean;
}

/** Options that may be expressions, or have some in them, by type. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, Place>>>> = {
  http: {
    url: { kind: "value", isText: true },
    headers: { kind: "map", isText: true },
    query: { kind: "map", isText: true },
    json: { kind: "value", isText: false },
    text: { kind: "value", isText: true },
    form: { kind: "map", isText: true },
  },
};
const PARAMS: Place = { kind: "map", isText: false };

/** For messages: where they may stand. */
export const WHERE_EXPRESSED =
  "expressions stand in bindings, in params of tasks, and in url, headers, query, json, text and form of http tasks";

export function isExpressed(value: unknown): value is Expressed {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (!("expression" in value) || typeof value.expression !== "string") return false;
  return Object.keys(value).length === 1;
}

/** Those of its params, and then those of its options. */
export function expressedIn({
  type,
  options,
  params,
}: Pick<Task, "type" | "options" | "params">): readonly ExpressedValue[] {
  if (!holdsAny(params) && !holdsAny(options)) return NONE;
  const found: ExpressedValue[] = [];
  const note: Replace = ({ path, text }) => {
    found.push({ path, text });
    return null;
  };
  replaceInParams(params, note);
  replaceInOptions(type, options, note);
  return found;
}

const NONE: readonly ExpressedValue[] = Object.freeze([]);

/** Whether anything in it looks like one. Nearly all definitions have none, and some have a hundred thousand tasks. */
function holdsAny(value: JsonValue): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsAny);
  if (isExpressed(value)) return true;
  for (const key in value) if (holdsAny(value[key] ?? null)) return true;
  return false;
}

/** A copy in which each expression has given way. */
export function replaceInParams(params: JsonObject, replace: Replace): JsonObject {
  return replaceInMap(params, { ...PARAMS, path: ["params"], replace });
}

/** A copy in which each expression has given way; the same object for a type whose options have none. */
export function replaceInOptions(type: string, options: JsonObject, replace: Replace): JsonObject {
  const places = Object.hasOwn(OPTIONS, type) ? OPTIONS[type] : undefined;
  if (places === undefined) return options;
  const replaced = Object.entries(options).map(([option, value]): [string, JsonValue] => {
    const place = Object.hasOwn(places, option) ? places[option] : undefined;
    if (place === undefined) return [option, value];
    const at = { ...place, path: ["with", option], replace };
    if (place.kind === "map" && isPlainMap(value)) return [option, replaceInMap(value, at)];
    const made = replaceInValue(value, at);
    return [option, made === undefined ? "" : made];
  });
  return Object.fromEntries(replaced);
}

interface Replacing {
  readonly isText: boolean;
  readonly path: Path;
  readonly replace: Replace;
}

function replaceInMap(map: JsonObject, at: Replacing): JsonObject {
  const members = Object.entries(map).flatMap(([key, value]): [string, JsonValue][] => {
    const replaced = replaceInValue(value, { ...at, path: [...at.path, key] });
    return replaced === undefined ? [] : [[key, replaced]];
  });
  return Object.fromEntries(members);
}

function replaceInValue(value: JsonValue, at: Replacing): JsonValue | undefined {
  if (isExpressed(value)) return at.replace({ path: at.path, text: value.expression, isText: at.isText });
  if (Array.isArray(value)) {
    const items = value.flatMap((item, i): JsonValue[] => {
      const replaced = replaceInValue(item, { ...at, path: [...at.path, i] });
      return replaced === undefined ? [] : [replaced];
    });
    // Nothing is left of the values of a name, so nothing is sent under it.
    return items.length === 0 && value.length > 0 ? undefined : items;
  }
  return isPlainMap(value) ? replaceInMap(value, at) : value;
}

function isPlainMap(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
