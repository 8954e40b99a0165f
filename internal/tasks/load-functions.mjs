// Loads the functions of a module: its named exports that are functions, and what it made with defineFunction.
import { isDefined } from "./define-function.mjs";
import { importModule } from "./import-module.mjs";

/** @import { DefinedFunction } from "./defined-function.ts" */

/**
 * Resolves with the functions by name; with the reason as text when the file is missing, cannot be loaded, exports no
 * function, or two of one name.
 *
 * @param {string} file
 * @returns {Promise<ReadonlyMap<string, DefinedFunction> | string>}
 */
export async function loadFunctions(file) {
  const exported = await importModule(file);
  if (typeof exported === "string") return exported;
  /** @type {Map<string, { readonly by: string, readonly value: unknown, readonly fn: DefinedFunction }>} */
  const found = new Map();
  for (const [by, value] of Object.entries(exported)) {
    const fn = functionOf(by, value);
    if (fn === undefined) continue;
    const known = found.get(fn.name);
    if (known !== undefined && known.value !== value) {
      return `two of its exports, ${known.by} and ${by}, are functions named '${fn.name}': rename one`;
    }
    found.set(fn.name, { by, value, fn });
  }
  if (found.size > 0) return new Map([...found].map(([name, { fn }]) => [name, fn]));
  return "it exports no function by name; write `export function myTask(params) {…}`";
}

/**
 * Of one export: what was defined has its own name, a plain function that of its export.
 *
 * @param {string} by
 * @param {unknown} value
 * @returns {DefinedFunction | undefined}
 */
function functionOf(by, value) {
  if (isDefined(value)) return value;
  if (typeof value !== "function" || by === "default" || isClass(value)) return undefined;
  return { name: by, handler: /** @type {DefinedFunction["handler"]} */ (value) };
}

/** An error class, say, beside the functions that throw it. @param {Function} value */
function isClass(value) {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
