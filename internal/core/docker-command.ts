/**
 * What a task of type `docker` runs: its command, which is text for a shell or the JSON form, together with its
 * options (`with` of a file).
 */
import { DOCKER_FIELDS, type DockerFields, isDockerField, problemOfDockerField } from "./docker-fields.ts";
import { parseImage } from "./docker-image.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { secretsIn } from "./secrets.ts";
import { madeOrProblem, type ReadTask, type TaskProblem } from "./task-problem.ts";

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

/** The task, with every field checked; a line that says what is wrong otherwise. */
export function readDockerTask(task: DockerDefinition): DockerTask | string {
  return madeOrProblem(read(task));
}

/** All that is wrong with it. Options that are `wrong` were left out: nothing is said of what they may have been there for. */
export function problemsOfDocker(
  task: DockerDefinition,
  wrong: ReadonlySet<string> = NONE,
): readonly TaskProblem[] {
  const result = read(task, wrong);
  return "problems" in result ? result.problems : [];
}

const NONE: ReadonlySet<string> = new Set();

function read({ command, options, env }: DockerDefinition, wrong = NONE): ReadTask<DockerTask> {
  const form = command.trimStart().startsWith("{") ? parseForm(command) : { command };
  if (typeof form === "string") return { problems: [{ message: form }] };
  const { command: text = "", env: more = {}, ...others } = form;
  const [fields, unknown] = parted(others);
  const problems = [
    ...unknown.map((field) => ({ message: problemOfUnknown(field) })),
    ...problemsOfForm(text, more),
    ...problemsOf(fields).map(([field, message]) => ({ message: `${field}: ${message}` })),
    ...problemsOf(options).map(([option, message]) => ({ option, message })),
    ...Object.keys(fields)
      .filter((field) => Object.hasOwn(options, field) || wrong.has(field))
      .map((option) => ({ option, message: "stands in the command too; use one of them" })),
  ];
  if (problems.length > 0) return { problems };
  const task: DockerTask = {
    ...(options as DockerFields),
    ...(fields as DockerFields),
    command: text as string,
    env: { ...env, ...(more as Record<string, string>) },
  };
  const together = problemsTogether(task, wrong);
  return together.length > 0 ? { problems: together } : { made: task };
}

function problemsOfForm(command: JsonValue, env: JsonValue): TaskProblem[] {
  const isText = typeof command === "string" && !command.includes("\0");
  return [
    ...(isText ? [] : [{ message: "command of the JSON form must be text" }]),
    ...(isEnv(env) ? [] : [{ message: "env of the JSON form must be a map of names to text" }]),
    // Of a task, env and with are looked through for secrets, and its command never is.
    ...(secretsIn(env) === undefined
      ? []
      : [{ message: "env of the JSON form names a secret; put it into env of the task" }]),
  ];
}

function parseForm(command: string): JsonObject | string {
  try {
    return JSON.parse(command) as JsonObject;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `the command begins with { and is no JSON: ${why}; if it is meant for the shell, begin with ( and not with {`;
  }
}

/** Those that the JSON form has, and the names of the others. */
function parted(fields: JsonObject): [known: JsonObject, unknown: string[]] {
  const isKnown = (field: string): boolean => OF_JSON_FORM.some((each) => each === field);
  const known = Object.fromEntries(Object.entries(fields).filter(([field]) => isKnown(field)));
  return [known, Object.keys(fields).filter((field) => !isKnown(field))];
}

function problemOfUnknown(field: string): string {
  if (isDockerField(field)) return `'${field}' is no field of the JSON form; it goes into with`;
  return `unknown field '${field}' in the JSON form; use ${OF_JSON_FORM.join(", ")}`;
}

function problemsOf(fields: JsonObject): [field: string, message: string][] {
  return Object.entries(fields).flatMap(([field, value]): [string, string][] => {
    if (!isDockerField(field)) return [[field, `unknown field '${field}'; use ${DOCKER_FIELDS.join(", ")}`]];
    const problem = problemOfDockerField(field, value);
    return problem === undefined ? [] : [[field, problem]];
  });
}

function problemsTogether(
  { command, image, entrypoint = [], auth }: DockerTask,
  wrong: ReadonlySet<string>,
): TaskProblem[] {
  if (image === undefined) {
    if (wrong.has("image")) return [];
    const runs = command.trim() !== "" || entrypoint.length > 0 || wrong.has("entrypoint");
    return [
      ...(runs
        ? []
        : [{ message: "a docker task needs a command, an entrypoint, or an image that has one" }]),
      ...(auth === undefined
        ? []
        : [{ option: "auth", message: "is for the registry of an image; name the image, too" }]),
    ];
  }
  const reference = parseImage(image);
  if (auth?.server === undefined || typeof reference === "string") return [];
  const host = auth.server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  const isSame =
    host === reference.registry || (host === "index.docker.io" && reference.registry === "docker.io");
  if (isSame) return [];
  const message = `server is ${host}, but the image is from ${reference.registry}: it would get a password that is not for it`;
  return [{ option: "auth", message }];
}

function isEnv(value: JsonValue): value is Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, each]) => name !== "" && !/[=\0]/.test(name) && typeof each === "string" && !each.includes("\0"),
  );
}
