/** Messages as bytes: JSON in snake_case, checked on the way in. */
import type { z } from "zod";

export type Decoded<T> = { readonly value: T } | { readonly wrong: string };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function encode(message: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

/** The message, or what is wrong with it in one line. */
export function decode<T>(schema: z.ZodType<T>, bytes: Uint8Array): Decoded<T> {
  const json = parse(bytes);
  return "wrong" in json ? json : check(schema, json.value);
}

/** The JSON value, not checked yet. */
export function parse(bytes: Uint8Array): Decoded<unknown> {
  try {
    return { value: JSON.parse(decoder.decode(bytes)) as unknown };
  } catch (error) {
    return { wrong: `not JSON: ${(error as Error).message}` };
  }
}

export function check<T>(schema: z.ZodType<T>, value: unknown): Decoded<T> {
  const parsed = schema.safeParse(value);
  return parsed.success ? { value: parsed.data } : { wrong: explain(parsed.error) };
}

/** So many problems of one message are told. */
const MAX_TOLD = 5;

export function explain({ issues }: z.ZodError): string {
  const told = issues
    .slice(0, MAX_TOLD)
    .map(({ path, message }) => `${path.map(String).join(".") || "message"}: ${message}`);
  const more = issues.length - told.length;
  return more > 0 ? `${told.join("; ")}; and ${more} more` : told.join("; ");
}

/** The converted value of a message that could be read. */
export function map<A, B>(decoded: Decoded<A>, convert: (value: A) => B): Decoded<B> {
  return "wrong" in decoded ? decoded : { value: convert(decoded.value) };
}
