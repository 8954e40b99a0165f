/** Loads the functions of a module: its named exports that are functions. */
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { TaskFunction } from "../ports/task-executor.ts";

/** The module of functions cannot be used; the message says why. */
export class FunctionsNotLoaded extends Error {
  readonly code = "FUNCTIONS_NOT_LOADED";
  constructor(file: string, why: string) {
    super(`functions file '${file}': ${why}`);
    this.name = "FunctionsNotLoaded";
  }
}

/** Rejects with `FunctionsNotLoaded` when the file is missing, cannot be loaded, or exports no function. */
export async function loadFunctions(file: string): Promise<ReadonlyMap<string, TaskFunction>> {
  const path = resolve(file);
  await access(path).catch(() => {
    throw new FunctionsNotLoaded(file, "no such file");
  });
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    throw new FunctionsNotLoaded(file, `it cannot be loaded: ${reason(error)}`);
  }
  const functions = Object.entries(module).filter(
    (entry): entry is [string, TaskFunction] => typeof entry[1] === "function" && entry[0] !== "default",
  );
  if (functions.length === 0) {
    throw new FunctionsNotLoaded(
      file,
      "it exports no function by name; write `export function myTask(params) {…}`",
    );
  }
  return new Map(functions);
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ERR_UNKNOWN_FILE_EXTENSION") {
    return "Node cannot load this kind of file: use .js, .mjs or .cjs";
  }
  const place = error.stack?.split("\n")[0] ?? "";
  return error instanceof SyntaxError && !place.includes(error.message)
    ? `${error.message} (${place})`
    : error.message;
}
