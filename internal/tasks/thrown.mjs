// What a function threw, which may be anything, as a failure.
import { inspect, types } from "node:util";
import { isNonRetryable } from "./define-function.mjs";

/**
 * @import { JsonObject } from "../core/json.ts"
 * @import { TaskError } from "../core/outcome.ts"
 */

/** As an outcome may carry it. */
const MAX_TEXT = 4_096;
/** Of a property; what is longer would be copied several times on its way, in a heap that may have no room for that. */
const MAX_READ = 65_536;
/** A text that was put together of pieces is copied to be cut; what is longer is not read at all. */
const MAX_CUT = 4 * 1_024 * 1_024;
const MARK = " […]";
/** An error has a cause, which may have one. */
const MAX_CAUSES = 5;

/**
 * The failure that it is, what is known of it as output, and its stack without our own frames, if it has one.
 *
 * @param {unknown} thrown
 * @returns {{ readonly error: TaskError, readonly output?: JsonObject, readonly stack?: string }}
 */
export function failureOf(thrown) {
  const message = describe(thrown);
  if (!isError(thrown)) return { error: { reason: "function-error", message } };
  const stack = stackOf(thrown);
  return {
    error: { reason: "function-error", message, ...(isNonRetryable(thrown) ? { isFinal: true } : {}) },
    output: { error: described(thrown, 0) },
    ...(stack === undefined ? {} : { stack }),
  };
}

/**
 * What was thrown, in one line: `TypeError: no such city`.
 *
 * @param {unknown} thrown
 * @returns {string}
 */
export function describe(thrown) {
  if (!isError(thrown)) return `thrown: ${cut(textOf(thrown))}`;
  return cut(`${classOf(thrown)}: ${messageOf(thrown).split("\n")[0] ?? ""}`);
}

/**
 * Also one of another realm.
 *
 * @param {unknown} thrown
 * @returns {thrown is Error}
 */
export function isError(thrown) {
  return thrown instanceof Error || types.isNativeError(thrown);
}

/** @param {Error} error */
export function messageOf(error) {
  return read(() => error.message) ?? "";
}

/**
 * @param {Error} error
 * @param {number} depth
 * @returns {JsonObject}
 */
function described(error, depth) {
  const code = read(() => /** @type {{ code?: unknown }} */ (error).code);
  const stack = stackOf(error);
  const cause = depth < MAX_CAUSES ? causeOf(error) : undefined;
  return {
    name: classOf(error),
    message: cut(messageOf(error)),
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack: cut(stack) }),
    ...(cause === undefined
      ? {}
      : { cause: isError(cause) ? described(cause, depth + 1) : cut(textOf(cause)) }),
  };
}

/** @param {Error} error */
function causeOf(error) {
  try {
    return error.cause;
  } catch {
    return undefined;
  }
}

/** The class says more than a name that is only inherited. @param {Error} error */
function classOf(error) {
  const name = read(() => error.name) ?? "Error";
  return name === "Error" ? (read(() => error.constructor.name) ?? name) : name;
}

/**
 * It begins with the message, and is made when it is first read: of a very long one there would be a second copy, and
 * no frame among what is kept.
 *
 * @param {Error} error
 */
function stackOf(error) {
  if (![() => error.name, () => error.message].every(isReadWhole)) return undefined;
  const stack = read(() => error.stack)?.replace(/\n\s+at (?:async )?callFunction [\s\S]*/, "");
  const message = messageOf(error);
  return stack?.replace(message, () => cut(message));
}

/** @param {() => unknown} property */
function isReadWhole(property) {
  try {
    const value = property();
    return typeof value !== "string" || value.length <= MAX_READ;
  } catch {
    return false;
  }
}

/**
 * What stands there, if it is text, cut where it is very long; a number as text. A property may be anything, and throw when it is read.
 *
 * @param {() => unknown} property
 * @returns {string | undefined}
 */
function read(property) {
  try {
    const value = property();
    if (typeof value === "number") return String(value);
    return typeof value === "string" && value !== "" ? cut(value, MAX_READ) : undefined;
  } catch {
    return undefined;
  }
}

/** @param {unknown} value */
function textOf(value) {
  if (typeof value === "string") return value;
  try {
    return inspect(value, { depth: 2, breakLength: Infinity, maxArrayLength: 20, maxStringLength: 1_000 });
  } catch {
    return `${typeof value} that cannot be shown`;
  }
}

/**
 * @param {string} text
 * @param {number} most
 */
function cut(text, most = MAX_TEXT) {
  if (text.length <= most) return text;
  if (text.length > MAX_CUT) return `a text of ${text.length} characters${MARK}`;
  return text.slice(0, most - MARK.length) + MARK;
}
