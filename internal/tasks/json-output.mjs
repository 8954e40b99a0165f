// Turns what a function returned into an output, which is a JSON object.
//
// Plain JavaScript, as all that a function's thread loads: so it runs from the sources too, where Node 20 reads no
// TypeScript.

import { resourceLimits } from "node:worker_threads";

/**
 * @import { JsonObject, JsonValue } from "../core/json.ts"
 * @typedef {{ left: number }} Room How many characters its JSON may still have.
 * @typedef {{ readonly place: string; readonly within: Set<object>; readonly room: Room }} Place
 */

const MIB = 1_024 * 1_024;
/** Far below what a text may have, and what a worker can send on. */
const MOST_MIB = 128;
/** Of a thread a quarter: its heap has to hold the value, a copy and the text, and who is beyond it ends the whole process. */
const MOST_OF_HEAP_MIB = (resourceLimits.maxOldGenerationSizeMb ?? Infinity) / 4;
const LIMIT_MIB = Math.min(MOST_MIB, MOST_OF_HEAP_MIB);
const LIMIT = LIMIT_MIB * MIB;

/** What JSON writes with six characters: control characters, and halves of surrogate pairs. */
const ESCAPED = /\p{Cc}|\p{Surrogate}/u;

/** The value has a part that JSON cannot carry. */
export class NotSerialisable extends Error {
  /**
   * @param {string} place
   * @param {string} what
   */
  constructor(place, what) {
    super(`${place} is ${what}, which JSON cannot carry`);
    this.name = "NotSerialisable";
  }
}

/** Its JSON would be too long. */
export class TooLarge extends Error {
  constructor() {
    const heap = ", a quarter of the heap that it may use (--function-memory, or the function's memoryMb)";
    super(`the output has more than ${LIMIT_MIB} MiB as JSON${LIMIT_MIB < MOST_MIB ? heap : ""}`);
    this.name = "TooLarge";
  }
}

/**
 * An object as it is, another value as `{ result }`, undefined as `{}`. As JSON does it: members that are
 * undefined are left out, and what has a `toJSON` (a date) is what that gives. What JSON would drop or change
 * silently otherwise (functions, NaN) is refused. Throws `NotSerialisable`, `TooLarge`.
 *
 * @param {unknown} value
 * @returns {JsonObject}
 */
export function toOutput(value) {
  if (value === undefined) return {};
  const json = toJson(value, { place: "output", within: new Set(), room: { left: LIMIT } });
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  return { result: json };
}

/**
 * @param {unknown} value
 * @param {Place} at
 * @returns {JsonValue}
 */
function toJson(value, at) {
  // Quotes, a comma; about what a number has.
  take(at.room, typeof value === "string" ? lengthOf(value) : 3);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw new NotSerialisable(at.place, String(value));
      return value;
    case "object":
      return value === null ? null : objectToJson(value, at);
    case "undefined":
      return null;
    case "bigint":
    case "function":
    case "symbol":
      throw new NotSerialisable(at.place, `a ${typeof value}`);
  }
}

/**
 * @param {object} value
 * @param {Place} at
 * @returns {JsonValue}
 */
function objectToJson(value, at) {
  const { place, within } = at;
  if (within.has(value)) throw new NotSerialisable(place, "a reference back to what it is part of");
  within.add(value);
  const json = membersToJson(value, at);
  within.delete(value);
  return json;
}

/**
 * @param {object} value
 * @param {Place} at
 * @returns {JsonValue}
 */
function membersToJson(value, at) {
  const { place } = at;
  if ("toJSON" in value && typeof value.toJSON === "function") return toJson(value.toJSON(), at);
  if (Array.isArray(value)) {
    return value.map((item, i) => toJson(item, { ...at, place: `${place}[${i}]` }));
  }
  /** @type {JsonObject} */
  const json = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    take(at.room, lengthOf(key));
    Object.defineProperty(json, key, {
      value: toJson(member, { ...at, place: `${place}.${key}` }),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return json;
}

/**
 * Before more of it is made.
 *
 * @param {Room} room
 * @param {number} characters
 */
function take(room, characters) {
  room.left -= characters;
  if (room.left < 0) throw new TooLarge();
}

/**
 * As JSON has it, in quotes and with a comma.
 *
 * @param {string} text
 */
function lengthOf(text) {
  let length = text.length + 3;
  if (length > LIMIT || !ESCAPED.test(text)) return length;
  for (const _ of text.matchAll(new RegExp(ESCAPED, "gu"))) {
    length += 5;
    if (length > LIMIT) break;
  }
  return length;
}
