// Turns what a function returned into an output, which is a JSON object.
//
// Plain JavaScript, as all that a function's thread loads: so it runs from the sources too, where Node 20 reads no
// TypeScript.

/**
 * @import { JsonObject, JsonValue } from "../core/json.ts"
 * @typedef {{ readonly place: string; readonly within: readonly object[] }} Place
 */

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

/**
 * An object as it is, another value as `{ result }`, undefined as `{}`. As JSON does it: members that are
 * undefined are left out, and what has a `toJSON` (a date) is what that gives. What JSON would drop or change
 * silently otherwise (functions, NaN) is refused. Throws `NotSerialisable`.
 *
 * @param {unknown} value
 * @returns {JsonObject}
 */
export function toOutput(value) {
  if (value === undefined) return {};
  const json = toJson(value, { place: "output", within: [] });
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  return { result: json };
}

/**
 * As above, of any value that is called so. Throws `NotSerialisable`.
 *
 * @param {unknown} value
 * @param {string} place
 * @returns {JsonValue}
 */
export function toPlainJson(value, place) {
  return toJson(value, { place, within: [] });
}

/**
 * @param {unknown} value
 * @param {Place} at
 * @returns {JsonValue}
 */
function toJson(value, at) {
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
function objectToJson(value, { place, within }) {
  if (within.includes(value)) throw new NotSerialisable(place, "a reference back to what it is part of");
  const inside = [...within, value];
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return toJson(value.toJSON(), { place, within: inside });
  }
  if (Array.isArray(value)) {
    return value.map((item, i) => toJson(item, { place: `${place}[${i}]`, within: inside }));
  }
  /** @type {JsonObject} */
  const json = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    Object.defineProperty(json, key, {
      value: toJson(member, { place: `${place}.${key}`, within: inside }),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return json;
}
