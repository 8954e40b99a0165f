// Loads the functions of a module: its named exports that are functions.
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** @import { TaskFunction } from "../ports/task-executor.ts" */

/**
 * Resolves with the functions by name; with the reason as text when the file is missing, cannot be loaded, or exports
 * no function.
 *
 * @param {string} file
 * @returns {Promise<ReadonlyMap<string, TaskFunction> | string>}
 */
export async function loadFunctions(file) {
  const path = resolve(file);
  try {
    await access(path);
  } catch {
    return "no such file";
  }
  /** @type {Record<string, unknown>} */
  let module;
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    return `it cannot be loaded: ${reason(error)}`;
  }
  const functions = Object.entries(module).filter(
    /** @returns {entry is [string, TaskFunction]} */
    (entry) => typeof entry[1] === "function" && entry[0] !== "default",
  );
  if (functions.length > 0) return new Map(functions);
  return "it exports no function by name; write `export function myTask(params) {…}`";
}

/** @param {unknown} error */
function reason(error) {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ERR_UNKNOWN_FILE_EXTENSION") {
    return "Node cannot load this kind of file: use .js, .mjs or .cjs";
  }
  const place = error.stack?.split("\n")[0] ?? "";
  return error instanceof SyntaxError && !place.includes(error.message)
    ? `${error.message} (${place})`
    : error.message;
}
