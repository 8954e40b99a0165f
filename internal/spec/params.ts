/** Params of a run from the command line and from files. */
import type { JsonObject, JsonValue } from "../core/json.ts";
import { params } from "./fields.ts";
import { readText } from "./file.ts";
import { formatPath } from "../core/shown.ts";
import { type Found, parseText } from "./text.ts";

/** A param that was given cannot be used. */
export class BadParam extends Error {
  readonly code = "BAD_PARAM";
  constructor(message: string) {
    super(message);
    this.name = "BadParam";
  }
}

/** Reads `key=value`; the text is converted to the kind of the default with this key. Throws `BadParam`. */
export function parseParam(text: string, defaults: JsonObject): [key: string, value: JsonValue] {
  const at = text.indexOf("=");
  if (at <= 0) throw new BadParam(`param '${text}' is not of the form key=value`);
  const key = text.slice(0, at);
  return [key, convert(key, text.slice(at + 1), Object.hasOwn(defaults, key) ? defaults[key] : undefined)];
}

function convert(key: string, text: string, like: JsonValue | undefined): JsonValue {
  switch (typeof like) {
    case "number": {
      const value = Number(text);
      if (text.trim() === "" || !Number.isFinite(value))
        throw new BadParam(`param '${key}' must be a number, not '${text}'`);
      return value;
    }
    case "boolean":
      if (text !== "true" && text !== "false")
        throw new BadParam(`param '${key}' must be true or false, not '${text}'`);
      return text === "true";
    case "object":
      return like === null ? text : parseJson(key, text);
    default:
      return text;
  }
}

function parseJson(key: string, text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new BadParam(`param '${key}' must be JSON like its default, not '${text}'`);
  }
}

/** Params of a file: a map in YAML or JSON. Rejects with `DefinitionError`. */
export async function loadParams(file: string): Promise<JsonObject> {
  const expected = "a file of params is a map of names to values";
  return parseText<JsonObject>(await readText(file), { file, expected }, (value) => {
    const parsed = params.safeParse(value, { reportInput: true });
    if (parsed.success) return { made: parsed.data };
    return { problems: parsed.error.issues.map(({ path, message }) => toProblem(path, message)) };
  });
}

function toProblem(path: readonly PropertyKey[], message: string): Found {
  return { path, message: path.length === 0 ? message : `${formatPath(path)}: ${message}`, atKey: false };
}
