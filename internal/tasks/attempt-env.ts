/** What a command finds in its environment about its attempt, wherever it runs. */
import { attemptKey } from "../core/attempt.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { TaskCall } from "../ports/task-executor.ts";

/** A param longer than this is only in the params file. */
const MAX_VARIABLE = 32 * 1_024;
/** All params together, well below what the system allows for a new process. */
const MAX_VARIABLES = 256 * 1_024;

/** Where the command writes its output: what it starts inherits the variable, and is known by it. */
export const OUTPUT_FILE = "JETDAG_OUTPUT_FILE";

/** Paths as the command sees them. */
export interface AttemptFiles {
  readonly paramsFile: string;
  readonly outputFile: string;
  /** Where it tells which artifacts it hands over. */
  readonly artifactsFile: string;
  /** Where their files have to be. */
  readonly artifactsFolder: string;
}

/** The task's own variables, its params, and who it is. */
export function attemptEnv(call: TaskCall, files: AttemptFiles): Record<string, string> {
  return {
    ...call.env,
    ...paramVariables(call.params),
    JETDAG_RUN_ID: call.runId,
    JETDAG_TASK_ID: call.task,
    JETDAG_INDEX: String(call.index),
    JETDAG_ATTEMPT: String(call.attempt),
    JETDAG_IDEMPOTENCY_KEY: attemptKey(call),
    JETDAG_PARAMS_FILE: files.paramsFile,
    [OUTPUT_FILE]: files.outputFile,
    JETDAG_ARTIFACTS_FILE: files.artifactsFile,
    JETDAG_ARTIFACTS_DIR: files.artifactsFolder,
  };
}

/** Scalars only; smaller ones first, so that a large one is what is left out when there are too many. */
function paramVariables(params: JsonObject): Record<string, string> {
  const scalars = Object.entries(params).flatMap(([key, value]): [string, string][] => {
    const text = scalarText(value);
    return text === undefined || text.includes("\0") ? [] : [[key, text]];
  });
  const variables: Record<string, string> = {};
  let room = MAX_VARIABLES;
  for (const [key, text] of scalars.toSorted((a, b) => a[1].length - b[1].length)) {
    const name = `JETDAG_PARAM_${key.replaceAll(/[^A-Za-z0-9_]/g, "_")}`;
    const isExact = name === `JETDAG_PARAM_${key}`;
    const size = name.length + Buffer.byteLength(text) + 2;
    if (size > room || (Object.hasOwn(variables, name) && !isExact)) continue;
    room -= size;
    variables[name] = text;
  }
  return variables;
}

function scalarText(value: JsonValue): string | undefined {
  if (value === null) return "";
  if (typeof value === "object") return undefined;
  const text = String(value);
  return Buffer.byteLength(text) < MAX_VARIABLE ? text : undefined;
}
