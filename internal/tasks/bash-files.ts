/** The environment and the private files of one bash attempt. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "../core/json.ts";
import type { TaskCall } from "../ports/task-executor.ts";
import { type AttemptFiles, attemptEnv } from "./attempt-env.ts";
import { outputFileOf } from "./bash-guard.ts";
import { BadOutputFile, parseOutputFile } from "./output-file.ts";
import { makeScratchFolder } from "./scratch.ts";

/** Variables of the worker that tell how to reach the cluster are not for tasks. */
const WITHHELD = /^(JETDAG_|NATS_)/;

export interface BashFiles extends AttemptFiles {
  readonly folder: string;
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
    ...attemptEnv(call, files),
  };
}

/** What the command wrote to its output file; see `parseOutputFile`. Throws `BadOutputFile`. */
export async function readOutputFile({ outputFile }: BashFiles, limit: number): Promise<JsonObject> {
  const text = await readFile(outputFile, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new BadOutputFile(`the output file cannot be read: ${error.message}`);
  });
  return parseOutputFile(text, limit);
}
