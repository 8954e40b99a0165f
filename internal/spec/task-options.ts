/**
 * What only tasks of one type have: `with` of a task. Durations become numbers of seconds, which a file may have as
 * well, so options that were read are options again.
 */
import { z } from "zod";
import type { JsonObject } from "../core/json.ts";
import { NO_OPTIONS } from "../core/model.ts";
import { GATE } from "../core/task-types.ts";
import { bashOptions } from "./bash-options.ts";
import { dockerOptions } from "./docker-options.ts";
import { explain, told } from "./explain.ts";
import { fieldsAt } from "./field-names.ts";
import { httpOptions } from "./http-options.ts";
import { problemsOfValue } from "./json.ts";
import { formatPath } from "../core/shown.ts";
import type { Found } from "./text.ts";
import { goodFields } from "./together.ts";

/** A type whose tasks have no options. */
const NONE = z.strictObject({});

/** By canonical type; a type that is not here is a plug-in's, which judges its options itself. */
export const TASK_OPTIONS: Readonly<Record<string, z.ZodObject>> = {
  bash: bashOptions,
  docker: dockerOptions,
  http: httpOptions,
  function: NONE,
  [GATE]: NONE,
};

/** The option of a type that says what to run, where `command` does not. */
const IN_PLACE_OF_COMMAND: Readonly<Record<string, string>> = { bash: "file" };

/** Which option of a task says what to run, if one does. */
export function inPlaceOfCommand(type: string, options: JsonObject | undefined): string | undefined {
  const field = IN_PLACE_OF_COMMAND[type];
  return field !== undefined && options?.[field] !== undefined ? field : undefined;
}

/**
 * Every problem, and the options that are right: with them, and the names of those that are wrong, it can be said what
 * else is. `at` is the place of the options in the definition.
 */
export function readOptions(
  type: string,
  value: JsonObject | undefined,
  at: readonly PropertyKey[],
): { readonly options: JsonObject; readonly problems: readonly Found[] } {
  if (value === undefined) return { options: NO_OPTIONS, problems: [] };
  const found = problemsOfValue(value).map(({ path, message }) => told({ path: [...at, ...path], message }));
  const schema = TASK_OPTIONS[type];
  const parsed = schema?.safeParse(value, { reportInput: true });
  if (schema === undefined || parsed === undefined) return withoutWrong(value, found, at);
  if (parsed.success) return withoutWrong(parsed.data as JsonObject, found, at);
  const allowed = (path: readonly PropertyKey[]): string[] => fieldsAt(schema, path.slice(at.length));
  const known = new Set(found.map(({ path }) => formatPath(path)));
  const problems = parsed.error.issues
    .flatMap((issue) => explain({ ...issue, path: [...at, ...issue.path] }, allowed))
    .filter(({ path }) => !known.has(formatPath(path)));
  return withoutWrong(goodFields(value, schema.shape) as JsonObject, [...found, ...problems], at);
}

function withoutWrong(
  options: JsonObject,
  problems: readonly Found[],
  at: readonly PropertyKey[],
): { readonly options: JsonObject; readonly problems: readonly Found[] } {
  if (problems.length === 0) return { options, problems };
  const wrong = new Set(problems.map(({ path }) => path[at.length]));
  const right = Object.entries(options).filter(([option]) => !wrong.has(option));
  return { options: Object.fromEntries(right), problems };
}
