/** Turns what a function returned into an output, which is a JSON object. */
import type { JsonObject, JsonValue } from "../core/json.ts";

/** The value has a part that JSON cannot carry. */
export class NotSerialisable extends Error {
  constructor(place: string, what: string) {
    super(`${place} is ${what}, which JSON cannot carry`);
    this.name = "NotSerialisable";
  }
}

/**
 * An object as it is, another value as `{ result }`, undefined as `{}`. As JSON does it: members that are
 * undefined are left out, and what has a `toJSON` (a date) is what that gives. What JSON would drop or change
 * silently otherwise (functions, NaN) is refused. Throws `NotSerialisable`.
 */
export function toOutput(value: unknown): JsonObject {
  if (value === undefined) return {};
  const json = toJson(value, { place: "output", within: [] });
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  return { result: json };
}

interface Place {
  readonly place: string;
  readonly within: readonly object[];
}

function toJson(value: unknown, at: Place): JsonValue {
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

function objectToJson(value: object, { place, within }: Place): JsonValue {
  if (within.includes(value)) throw new NotSerialisable(place, "a reference back to what it is part of");
  const inside = [...within, value];
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return toJson((value.toJSON as () => unknown)(), { place, within: inside });
  }
  if (Array.isArray(value)) {
    return value.map((item, i) => toJson(item, { place: `${place}[${i}]`, within: inside }));
  }
  const json: JsonObject = {};
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
