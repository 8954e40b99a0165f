/**
 * `secret://NAME` in the values of a task: which secrets they name, and the values in their places.
 *
 * A name ends before the first character that no name has, so that a reference may stand within a text; `secret://{NAME}`
 * ends at its brace, and `secret://{}` stands for the text `secret://` itself. What is put in is not looked through again.
 */
import type { JsonObject, JsonValue } from "./json.ts";

const PREFIX = "secret://";
const NAME = "[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?";
const IS_NAME = new RegExp(`^${NAME}$`);
const REFERENCE = new RegExp(`${PREFIX}(?:\\{(?<braced>[^{}]*)\\}|(?<bare>${NAME}))`, "g");

const NAME_RULE = "use A-Z a-z 0-9 _ . - and begin and end with none of . and -";

/** The text that stands for a secret, whatever follows it. */
export function secretReference(name: string): string {
  return `${PREFIX}{${name}}`;
}

/** Why no secret can have this name, which stands in braces; nothing when one can. */
export function problemOfName(name: string): string | undefined {
  return isSecretName(name)
    ? undefined
    : `'${name}' in secret://{${name}} is no name of a secret: ${NAME_RULE}`;
}

export function isSecretName(name: string): boolean {
  return IS_NAME.test(name);
}

/** The first reference in a text that names what can be no secret. */
export function problemOfReferences(text: string): string | undefined {
  if (!text.includes(PREFIX)) return undefined;
  for (const name of namesIn(text, undefined) ?? []) {
    const problem = problemOfName(name);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/**
 * The names that stand in these values, however deep; nothing where there is no reference of any form. What stands in
 * braces may be no name. Keys of objects name nothing.
 */
export function secretsIn(...values: readonly JsonValue[]): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (const value of values) names = collected(value, names);
  return names;
}

function collected(value: JsonValue, names: Set<string> | undefined): Set<string> | undefined {
  if (typeof value === "string") return value.includes(PREFIX) ? namesIn(value, names) : names;
  if (typeof value !== "object" || value === null) return names;
  let all = names;
  if (Array.isArray(value)) for (const item of value) all = collected(item, all);
  else for (const key in value) all = collected(value[key] ?? null, all);
  return all;
}

function namesIn(text: string, names: Set<string> | undefined): Set<string> | undefined {
  let all = names;
  for (const { groups = {} } of text.matchAll(REFERENCE)) {
    all ??= new Set();
    const name = groups.braced ?? groups.bare ?? "";
    if (name !== "") all.add(name);
  }
  return all;
}

/** A copy in which each reference has given way to its value; one to a secret that is not there stays. */
export function reveal<T extends JsonObject>(value: T, secrets: ReadonlyMap<string, string>): T {
  return revealed(value, secrets) as T;
}

function revealed(value: JsonValue, secrets: ReadonlyMap<string, string>): JsonValue {
  if (typeof value === "string") return value.includes(PREFIX) ? revealText(value, secrets) : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => revealed(item, secrets));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revealed(item, secrets)]));
}

function revealText(text: string, secrets: ReadonlyMap<string, string>): string {
  return text.replaceAll(REFERENCE, (reference, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? "";
    return name === "" ? PREFIX : (secrets.get(name) ?? reference);
  });
}

const MAX_BYTES = 64 * 1_024;

/** Why a value cannot be used as one; nothing when it can. */
export function problemOfSecret(value: string): string | undefined {
  if (value === "") return "it is empty";
  if (value.includes("\0")) return "it holds a NUL character";
  if (value.length > MAX_BYTES) return `it has more than ${MAX_BYTES} characters`;
  return undefined;
}
