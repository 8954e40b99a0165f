/** Messages as bytes: JSON, checked on the way in. */
import type { z } from "zod";

export type Decoded<T> = { readonly value: T } | { readonly wrong: string };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function encode(message: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

/** The message, or what is wrong with it in one line. */
export function decode<T>(schema: z.ZodType<T>, bytes: Uint8Array): Decoded<T> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    return { wrong: `not JSON: ${(error as Error).message}` };
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? { value: parsed.data } : { wrong: explain(parsed.error) };
}

export function explain({ issues }: z.ZodError): string {
  return issues
    .map(({ path, message }) => `${path.map(String).join(".") || "message"}: ${message}`)
    .join("; ");
}

/** The converted value of a message that could be read. */
export function map<A, B>(decoded: Decoded<A>, convert: (value: A) => B): Decoded<B> {
  return "wrong" in decoded ? decoded : { value: convert(decoded.value) };
}
