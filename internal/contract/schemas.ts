/**
 * What several messages have in common.
 *
 * Objects are open: fields that are not known are dropped, so that a newer version may add some. Nothing is
 * transformed by a schema; a check costs little more than reading the JSON (measured: 1 to 2 µs for a task).
 */
import { z } from "zod";
import type { JsonObject } from "../core/json.ts";
import type { Stored } from "../core/stored.ts";

/** Every message says which form it has. */
export const version = z.literal(1);

export const count = z.int().nonnegative();

/** A length of time: milliseconds inside, seconds on the wire where a person sets it. */
export const duration = z.number().nonnegative();

/** Objects are taken over as they are: JSON text can hold nothing else. */
export const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  { error: "must be an object" },
);

export const blobRef = z.object({
  name: z.string(),
  bytes: count,
  chunks: count,
  sha256: z.string().optional(),
});

export function stored<V>(inline: z.ZodType<V>): z.ZodType<Stored<V>> {
  const either: unknown = z.union([z.object({ inline }), z.object({ ref: blobRef })]);
  return either as z.ZodType<Stored<V>>;
}

export function toSeconds(ms: number): number {
  return ms / 1_000;
}

/** To the microsecond: what was written as 1.001 s is 1001 ms again, and not a little less. */
export function toMs(seconds: number): number {
  return Math.round(seconds * 1_000_000) / 1_000;
}
