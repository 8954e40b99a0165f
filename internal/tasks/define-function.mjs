// What modules of functions import. It loads nothing else: each thread of a worker has it.
//
// What is made here is known by symbols of the whole process, so that it is known too when a module brings its own copy.

/**
 * @import { StandardSchemaV1 } from "@standard-schema/spec"
 * @import { JsonObject } from "../core/json.ts"
 * @import { DefinedFunction, FunctionArtifact, FunctionDefinition, HandsOver } from "./defined-function.ts"
 */

const DEFINED = Symbol.for("jetdag.defined-function");
const NON_RETRYABLE = Symbol.for("jetdag.non-retryable");
const SKIP = Symbol.for("jetdag.skip-task");
const HANDS_OVER = Symbol.for("jetdag.hands-over");
const FIELDS = ["name", "params", "result", "memoryMb", "handler"];
const LEAST_MB = 16;

/**
 * Describes a function that tasks can name: its params and its result are checked, and it may have its own limit of
 * memory. Throws a `TypeError` that says what is wrong with the description.
 *
 * @template {StandardSchemaV1} [Params=StandardSchemaV1<JsonObject>]
 * @template {StandardSchemaV1} [Result=StandardSchemaV1]
 * @param {FunctionDefinition<Params, Result>} definition
 * @returns {DefinedFunction}
 */
export function defineFunction(definition) {
  const wrong = problemOf(definition);
  if (wrong !== undefined) throw new TypeError(`defineFunction: ${wrong}`);
  return Object.freeze({ ...definition, [DEFINED]: true });
}

/**
 * @param {unknown} value
 * @returns {value is DefinedFunction}
 */
export function isDefined(value) {
  return typeof value === "object" && value !== null && DEFINED in value;
}

/** Thrown by a function: it has failed, and no further attempt can do better, whatever is left of the task's retries. */
export class NonRetryable extends Error {
  /** @override */
  name = "NonRetryable";
  [NON_RETRYABLE] = true;
}

/**
 * By its name too: that is all that is left of an error which has come from another thread.
 *
 * @param {object} error
 */
export function isNonRetryable(error) {
  return NON_RETRYABLE in error || ("name" in error && error.name === "NonRetryable");
}

/** Thrown by a function: there is nothing to do. Its task is skipped, and so is what depends on it. */
export class SkipTask extends Error {
  /** @override */
  name = "SkipTask";
  [SKIP] = true;
}

/** @param {object} error */
export function isSkip(error) {
  return SKIP in error;
}

/**
 * What a function returns that hands over artifacts to the tasks after it: files of its host, by their paths, or records,
 * which have metadata alone. `output` is its output besides.
 *
 * @template [Output=undefined]
 * @param {readonly FunctionArtifact[]} list
 * @param {Output} [output]
 * @returns {HandsOver<Output>}
 */
export function artifacts(list, output) {
  if (!Array.isArray(list)) throw new TypeError("artifacts: takes a list, and an output if there is one");
  const handed = { [HANDS_OVER]: true, artifacts: list, output };
  return /** @type {HandsOver<Output>} */ (/** @type {unknown} */ (Object.freeze(handed)));
}

/**
 * @param {unknown} value
 * @returns {value is HandsOver<unknown>}
 */
export function handsOver(value) {
  return typeof value === "object" && value !== null && HANDS_OVER in value;
}

/** @param {unknown} definition */
function problemOf(definition) {
  if (typeof definition !== "object" || definition === null) return `takes { ${FIELDS.join(", ")} }`;
  /** @type {Record<string, unknown>} */
  const { name, params, result, memoryMb, handler, ...more } = { ...definition };
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) return `unknown field '${unknown}'; allowed are ${FIELDS.join(", ")}`;
  if (typeof name !== "string" || name === "") return "name: must be text that is not empty";
  if (typeof handler !== "function") return `handler: must be a function (of '${name}')`;
  for (const [field, schema] of Object.entries({ params, result })) {
    if (schema !== undefined && !isSchema(schema)) {
      return `${field}: must be a schema that keeps to standardschema.dev, as those of zod 4 do (of '${name}')`;
    }
  }
  if (memoryMb === undefined || (Number.isSafeInteger(memoryMb) && Number(memoryMb) >= LEAST_MB))
    return undefined;
  return `memoryMb: must be a whole number from ${LEAST_MB} up (of '${name}')`;
}

/** Some libraries have schemas that are functions. @param {unknown} value */
function isSchema(value) {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard = /** @type {{ "~standard"?: { validate?: unknown } }} */ (value)["~standard"];
  return typeof standard?.validate === "function";
}
