// Turns what a function returned into an output, which is a JSON object.
//
// Plain JavaScript, as all that a function's thread loads: so it runs from the sources too, where Node 20 reads no
// TypeScript.

import { types } from "node:util";
import { resourceLimits } from "node:worker_threads";

/**
 * @import { JsonObject, JsonValue } from "../core/json.ts"
 * @typedef {{ readonly number: (value: number) => number; readonly text: (value: string) => number }} Lengths
 * @typedef {{ readonly place: string; readonly has: string }} Root How what is looked through is called.
 * @typedef {{ length: number; width: 1 | 2; readonly lengths: Lengths; readonly within: Set<object>; readonly path: (string | number)[]; readonly root: Root }} Walk
 *   How many characters its JSON has so far, how they are counted, and how many bytes of memory each of them has; the
 *   objects that are being looked through; the keys and indices on the way to what is being looked at.
 */

const MIB = 1_024 * 1_024;
/** Far below what a text may have, and what a worker can send on. */
const MOST_MIB = 128;
/** Of a thread a quarter: its heap has to hold the value, a copy and the text, and who is beyond it ends the whole process. */
const MOST_OF_HEAP_MIB = (resourceLimits.maxOldGenerationSizeMb ?? Infinity) / 4;
const LIMIT_MIB = Math.min(MOST_MIB, MOST_OF_HEAP_MIB);
const LIMIT = LIMIT_MIB * MIB;

/** What JSON writes with more than one character: control characters, quotes, and halves of surrogate pairs. */
const ESCAPED = /["\\\p{Cc}\p{Surrogate}]/u;
/** One such character, and a text has two bytes for each that it has. */
const WIDE = /[^\0-\u00ff]/;
const SHORT_ESCAPES = new Set(Array.from('"\\\b\t\n\f\r', (each) => each.charCodeAt(0)));
/** As long as it can be: small outputs are not looked at for how long they are. @type {Lengths} */
const AT_MOST = { number: () => 25, text: (text) => 6 * text.length + 3 };
/** @type {Lengths} */
const EXACT = { number: (value) => String(value).length + 1, text: lengthOf };
/** @type {Root} */
const OUTPUT = { place: "output", has: "the output has" };
/** @type {Root} */
const ARTIFACTS = { place: "artifacts", has: "the artifacts have" };
/** The shortest that an item of a list may be: a digit and a comma. */
const LEAST_ITEM = 2;

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
  /** @param {Root} root */
  constructor({ has }) {
    const heap = ", a quarter of the heap that it may use (--function-memory, or the function's memoryMb)";
    super(`${has} more than ${LIMIT_MIB} MiB as JSON${LIMIT_MIB < MOST_MIB ? heap : ""}`);
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
  const json = toBoundedJson(value, OUTPUT);
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  return { result: json };
}

/**
/**
 * As above, the artifacts that it hands over. Throws `NotSerialisable`, `TooLarge`.
 *
 * @param {readonly unknown[]} artifacts
 * @returns {JsonValue}
 */
export function toArtifacts(artifacts) {
  return toBoundedJson(artifacts, ARTIFACTS);
}

/**
 * @param {unknown} value
 * @param {Root} root
 */
function toBoundedJson(value, root) {
  const json =
    toJsonBy({ lengths: AT_MOST, width: 2, root }, value) ??
    toJsonBy({ lengths: EXACT, width: 1, root }, value);
  if (json === undefined) throw new TooLarge(root);
  return json;
}

/**
 * Undefined when it is too long.
 *
 * @param {Pick<Walk, "lengths" | "width" | "root">} by
 * @param {unknown} value
 */
function toJsonBy(by, value) {
  try {
    return toJson(value, { ...by, length: 0, within: new Set(), path: [] });
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

/**
 * Counts what its JSON has, with a comma.
 *
 * @param {unknown} value
 * @param {Walk} walk
 * @returns {JsonValue}
 */
function toJson(value, walk) {
  switch (typeof value) {
    case "string":
      takeText(walk, value);
      return value;
    case "boolean":
      take(walk, 6);
      return value;
    case "number":
      if (!Number.isFinite(value)) throw refused(walk, String(value));
      take(walk, walk.lengths.number(value));
      return value;
    case "undefined":
      take(walk, 5);
      return null;
    case "object":
      if (value !== null) return objectToJson(value, walk);
      take(walk, 5);
      return null;
    case "bigint":
    case "function":
    case "symbol":
      throw refused(walk, `a ${typeof value}`);
  }
}

/**
 * @param {Walk} walk
 * @param {string} what
 */
function refused({ path, root }, what) {
  const place = path.map((each) => (typeof each === "number" ? `[${each}]` : `.${each}`)).join("");
  return new NotSerialisable(`${root.place}${place}`, what);
}

/**
 * @param {object} value
 * @param {Walk} walk
 * @returns {JsonValue}
 */
function objectToJson(value, walk) {
  const { within } = walk;
  if (within.has(value)) throw refused(walk, "a reference back to what it is part of");
  within.add(value);
  take(walk, 3);
  const json = partsToJson(value, walk);
  within.delete(value);
  return json;
}

/**
 * @param {object} value
 * @param {Walk} walk
 * @returns {JsonValue}
 */
function partsToJson(value, walk) {
  // Before anything walks through them: what is built in cannot be interrupted, also not to end the thread.
  if (Array.isArray(value) || types.isStringObject(value)) expectItems(walk, value.length);
  if (ArrayBuffer.isView(value) && "length" in value) expectItems(walk, Number(value.length));
  if ("toJSON" in value && typeof value.toJSON === "function") return toJson(value.toJSON(), walk);
  return Array.isArray(value) ? itemsToJson(value, walk) : membersToJson(value, walk);
}

/**
 * By a loop of our own, also through holes.
 *
 * @param {readonly unknown[]} items
 * @param {Walk} walk
 */
function itemsToJson(items, walk) {
  const { path } = walk;
  const { length } = items;
  /** @type {JsonValue[]} */
  const json = [];
  for (let i = 0; i < length; i++) {
    path.push(i);
    json.push(toJson(items[i], walk));
    path.pop();
  }
  return json;
}

/**
 * @param {object} value
 * @param {Walk} walk
 */
function membersToJson(value, walk) {
  const { path } = walk;
  /** @type {JsonObject} */
  const json = {};
  for (const key of Object.keys(value)) {
    const member = /** @type {Record<string, unknown>} */ (value)[key];
    if (member === undefined) continue;
    takeText(walk, key);
    path.push(key);
    setMember(json, key, toJson(member, walk));
    path.pop();
  }
  return json;
}

/**
 * @param {JsonObject} json
 * @param {string} key
 * @param {JsonValue} value
 */
function setMember(json, key, value) {
  // To set it would change what the object inherits from.
  if (key !== "__proto__") json[key] = value;
  else Object.defineProperty(json, key, { value, enumerable: true, writable: true, configurable: true });
}

/**
 * Whether there is room for so many items at all.
 *
 * @param {Walk} walk
 * @param {number} count
 */
function expectItems({ length, root }, count) {
  if (count * LEAST_ITEM > LIMIT - length) throw new TooLarge(root);
}

/**
 * Before more of it is made.
 *
 * @param {Walk} walk
 * @param {number} characters
 */
function take(walk, characters) {
  walk.length += characters;
  if (walk.length * walk.width > LIMIT) throw new TooLarge(walk.root);
}

/**
 * @param {Walk} walk
 * @param {string} text
 */
function takeText(walk, text) {
  take(walk, walk.lengths.text(text));
  if (walk.width === 2 || !WIDE.test(text)) return;
  walk.width = 2;
  take(walk, 0);
}

/**
 * As JSON has it, in quotes and with a comma; of a key with its colon.
 *
 * @param {string} text
 */
function lengthOf(text) {
  const length = text.length + 3;
  return length > LIMIT || !ESCAPED.test(text) ? length : length + escapesOf(text);
}

/**
 * How many characters more it is in JSON.
 *
 * @param {string} text
 */
function escapesOf(text) {
  let more = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (SHORT_ESCAPES.has(code)) more += 1;
    else if (code < 0x20) more += 5;
    else if (code >= 0xd800 && code < 0xe000) {
      // A pair is written as it is.
      if (/** @type {number} */ (text.codePointAt(i)) > 0xffff) i++;
      else more += 5;
    }
  }
  return more;
}
