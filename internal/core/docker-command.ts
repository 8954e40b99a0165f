/**
 * What a task of type `docker` runs: its command, which is text for a shell or the JSON form, together with its
 * options (`with` of a file).
 */
import { DOCKER_FIELDS, type DockerFields, isDockerField, problemOfDockerField } from "./docker-fields.ts";
import { parseImage } from "./docker-image.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { secretsIn } from "./secrets.ts";

export interface DockerTask extends DockerFields {
  /** The last argument of the entry point; empty: what the image runs by itself. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface DockerDefinition {
  readonly command: string;
  readonly options: JsonObject;
  readonly env: Readonly<Record<string, string>>;
}

/** What the JSON form may have; all else is for `with`. */
const OF_JSON_FORM = [
  "image",
  "command",
  "env",
  "volumes",
  "working_dir",
  "network",
  "memory_mb",
  "cpu_quota",
  "remove_on_exit",
] as const;

/** The task, with every field checked; the message of what is wrong otherwise. */
export function readDockerTask({ command, options, env }: DockerDefinition): DockerTask | string {
  const form = command.trimStart().startsWith("{") ? parseForm(command) : { command };
  if (typeof form === "string") return form;
  const { command: text = "", env: more = {}, ...fields } = form;
  const twice = Object.keys(fields).find((field) => Object.hasOwn(options, field));
  if (twice !== undefined) return `${twice} stands in the command and in with; use one of them`;
  if (typeof text !== "string" || text.includes("\0")) return "command of the JSON form must be text";
  if (!isEnv(more)) return "env of the JSON form must be a map of names to text";
  // Of a task, env and with are looked through for secrets, and its command never is.
  if (secretsIn(more) !== undefined)
    return "env of the JSON form names a secret; put it into env of the task";
  const all = { ...options, ...fields };
  const problem = problemOf(all);
  if (problem !== undefined) return problem;
  const task: DockerTask = { ...(all as DockerFields), command: text, env: { ...env, ...more } };
  return problemTogether(task) ?? task;
}

function parseForm(command: string): JsonObject | string {
  let form: JsonValue;
  try {
    form = JSON.parse(command) as JsonValue;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `the command begins with { and is no JSON: ${why}; if it is meant for the shell, begin with ( and not with {`;
  }
  const unknown = Object.keys(form as JsonObject).find(
    (field) => !OF_JSON_FORM.some((each) => each === field),
  );
  if (unknown === undefined) return form as JsonObject;
  if (isDockerField(unknown)) return `'${unknown}' is no field of the JSON form; it goes into with`;
  return `unknown field '${unknown}' in the JSON form; use ${OF_JSON_FORM.join(", ")}`;
}

function problemOf(fields: JsonObject): string | undefined {
  for (const [field, value] of Object.entries(fields)) {
    if (!isDockerField(field)) return `unknown field '${field}'; use ${DOCKER_FIELDS.join(", ")}`;
    const problem = problemOfDockerField(field, value);
    if (problem !== undefined) return `${field}: ${problem}`;
  }
  return undefined;
}

function problemTogether({ command, image, auth }: DockerTask): string | undefined {
  if (image === undefined) {
    if (auth !== undefined) return "auth: is for the registry of an image; name the image, too";
    return command.trim() === "" ? "a docker task needs a command, or an image that has one" : undefined;
  }
  const reference = parseImage(image);
  if (auth?.server === undefined || typeof reference === "string") return undefined;
  const host = auth.server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  const isSame =
    host === reference.registry || (host === "index.docker.io" && reference.registry === "docker.io");
  if (isSame) return undefined;
  return `auth: server is ${host}, but the image is from ${reference.registry}: it would get a password that is not for it`;
}

function isEnv(value: JsonValue): value is Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, each]) => name !== "" && !/[=\0]/.test(name) && typeof each === "string" && !each.includes("\0"),
  );
}
