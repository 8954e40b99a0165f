// Loads a module that somebody else wrote.
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * What the module exports, or why it cannot be loaded.
 *
 * @param {string} file
 * @returns {Promise<Record<string, unknown> | string>}
 */
export async function importModule(file) {
  const path = resolve(file);
  try {
    await access(path);
  } catch {
    return "no such file";
  }
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    return `it cannot be loaded: ${reason(error)}`;
  }
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
