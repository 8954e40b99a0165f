/** What is started for a bash task: the program, its arguments, its environment and its files. */
import { resolve } from "node:path";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { TaskCall } from "../ports/task-executor.ts";
import { attemptEnv } from "./attempt-env.ts";
import type { Launch } from "./bash-spawner.ts";
import { artifactsFileOf, emptyParamsFile, markOf, newScratchPath, outputFileOf } from "./scratch.ts";

/** What stands in `with` of a bash task, as `internal/spec/bash-options.ts` has checked it. */
export interface BashTaskOptions {
  readonly file?: string;
  readonly shell?: string;
  readonly args?: readonly (string | { readonly param: string })[];
  readonly working_dir?: string;
  readonly stdin?: string;
  readonly retry_on?: readonly number[];
  readonly no_retry_on?: readonly number[];
  readonly skip_code?: number;
  readonly output?: "text" | "json";
}

/** Of all commands of an executor. */
export interface Surroundings {
  /** Where paths begin that do not begin at the root. */
  readonly base: string;
  /** Working directory of a task that names none; without it a folder of its own. */
  readonly cwd: string | undefined;
  /** What a task finds in its environment beside what is its own. */
  readonly env: Readonly<Record<string, string>>;
  readonly outputLimit: number;
  readonly user: Launch["user"];
}

/** The task's input cannot be used; the message says which. */
export class BadArgument extends Error {}

/** Throws `BadArgument`. */
export function launchOf(call: TaskCall, surroundings: Surroundings, graceMs: number): Launch {
  const { base, env, outputLimit, user } = surroundings;
  const { working_dir: named, stdin, ...options } = call.options as BashTaskOptions;
  const folder = newScratchPath();
  const hasParams = Object.keys(call.params).length > 0;
  const paramsFile = hasParams ? `${folder}.params.json` : emptyParamsFile(folder);
  const outputFile = outputFileOf(folder);
  const artifactsFile = artifactsFileOf(folder);
  const script = `${folder}.script`;
  const isWritten = options.shell !== undefined && options.file === undefined;
  const own = (options.args ?? []).map((each) =>
    typeof each === "string" ? each : argumentOf(each.param, call.params),
  );
  return {
    ...programOf(options, { command: call.command, script, base }, own),
    env: { ...env, ...attemptEnv(call, { paramsFile, outputFile, artifactsFile, artifactsFolder: folder }) },
    mark: markOf(folder),
    folder,
    files: {
      ...(hasParams ? { [paramsFile]: JSON.stringify(call.params) } : {}),
      ...(isWritten ? { [script]: call.command } : {}),
    },
    outputFile,
    outputLimit,
    artifactsFile,
    hasArtifacts: call.outputs !== undefined,
    cwd: named === undefined ? (surroundings.cwd ?? folder) : resolve(base, named),
    graceMs,
    ...(stdin === undefined ? {} : { stdin }),
    ...(user === undefined ? {} : { user }),
  };
}

function programOf(
  { file, shell }: Pick<BashTaskOptions, "file" | "shell">,
  from: { readonly command: string; readonly script: string; readonly base: string },
  args: readonly string[],
): Pick<Launch, "program" | "args"> {
  if (file === undefined && shell === undefined) {
    // The name is what the script finds as $0.
    return { program: "bash", args: ["-c", from.command, "bash", ...args] };
  }
  const [program = "", ...more] = (shell ?? "bash").trim().split(/\s+/);
  return { program, args: [...more, file === undefined ? from.script : resolve(from.base, file), ...args] };
}

function argumentOf(param: string, params: JsonObject): string {
  const value = Object.hasOwn(params, param) ? params[param] : undefined;
  if (value === undefined) throw new BadArgument(`args: there is no param '${param}'`);
  const text = textOf(value);
  if (text.includes("\0"))
    throw new BadArgument(`args: param '${param}' holds a NUL character, which no argument can`);
  return text;
}

function textOf(value: JsonValue): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Variables of the worker that tell how to reach the cluster, and its secrets, are for no task. */
const WITHHELD = /^(JETDAG_|NATS_)/;

/** `allowed` has names, or beginnings of names before a `*`; without it all are. */
export function inheritedEnv(
  own: Readonly<Record<string, string | undefined>>,
  allowed: readonly string[] | undefined,
): Record<string, string> {
  const isAllowed = (name: string): boolean =>
    allowed === undefined ||
    allowed.some((each) => (each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : name === each));
  const entries = Object.entries(own).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !WITHHELD.test(entry[0]) && isAllowed(entry[0]),
  );
  return Object.fromEntries(entries);
}
