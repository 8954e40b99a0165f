/** The environment and the private files of one bash attempt. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { attemptKey } from "../core/attempt.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { TaskCall } from "../ports/task-executor.ts";
import { OUTPUT_FILE, outputFileOf } from "./bash-guard.ts";
import { makeScratchFolder } from "./scratch.ts";

/** A param longer than this is only in the params file. */
const MAX_VARIABLE = 32 * 1_024;
/** All params together, well below what the system allows for a new process. */
const MAX_VARIABLES = 256 * 1_024;

/** Variables of the worker that tell how to reach the cluster are not for tasks. */
const WITHHELD = /^(JETDAG_|NATS_)/;

export interface BashFiles {
  readonly folder: string;
  readonly paramsFile: string;
  readonly outputFile: string;
}

/** A folder that only this user can read. */
export async function makeFiles(call: TaskCall): Promise<BashFiles> {
  const folder = await makeScratchFolder();
  const files = { folder, paramsFile: join(folder, "params.json"), outputFile: outputFileOf(folder) };
  await writeFile(files.paramsFile, JSON.stringify(call.params), { mode: 0o600 });
  return files;
}

export async function removeFiles({ folder }: BashFiles): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}

export function environment(
  call: TaskCall,
  files: BashFiles,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const inherited = Object.entries(own).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !WITHHELD.test(entry[0]),
  );
  return {
    ...Object.fromEntries(inherited),
    ...call.env,
    ...paramVariables(call.params),
    JETDAG_RUN_ID: call.runId,
    JETDAG_TASK_ID: call.task,
    JETDAG_INDEX: String(call.index),
    JETDAG_ATTEMPT: String(call.attempt),
    JETDAG_IDEMPOTENCY_KEY: attemptKey(call),
    JETDAG_PARAMS_FILE: files.paramsFile,
    [OUTPUT_FILE]: files.outputFile,
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

/** The output file is there and cannot be read as output. */
export class BadOutputFile extends Error {}

/**
 * What the command wrote to its output file: `KEY=value` lines, or one JSON object. Empty lines and comments, which
 * begin with #, count for nothing; a value is taken as it stands, quotes too. Throws `BadOutputFile`.
 */
export async function readOutputFile({ outputFile }: BashFiles, limit: number): Promise<JsonObject> {
  const text = await readFile(outputFile, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new BadOutputFile(`the output file cannot be read: ${error.message}`);
  });
  if (text.length > limit) {
    throw new BadOutputFile(`the output file has ${text.length} characters; at most ${limit} are allowed`);
  }
  return text.trimStart().startsWith("{") ? parseJson(text) : parseLines(text);
}

function parseJson(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch (error) {
    throw new BadOutputFile(
      `the output file begins like a JSON object and is none: ${(error as Error).message}`,
    );
  }
}

function parseLines(text: string): JsonObject {
  const output: JsonObject = {};
  for (const [i, line] of text.split("\n").entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const at = line.indexOf("=");
    if (at <= 0) {
      throw new BadOutputFile(
        `line ${i + 1} of the output file is neither KEY=value nor JSON: ${line.slice(0, 80)}`,
      );
    }
    output[line.slice(0, at).trim()] = line.slice(at + 1);
  }
  return output;
}
