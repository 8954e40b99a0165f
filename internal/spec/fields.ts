/** The kinds of fields that files have: each says what is allowed, and what was found instead. */
import { z } from "zod";
import type { JsonObject } from "../core/json.ts";
import { DURATION_RULE, parseDuration } from "./duration.ts";
import { isMap, notJson } from "./json.ts";
import { shown } from "./problems.ts";

/** The most that Linux takes as one argument of a command, less the byte that ends it. */
const MAX_ARGUMENT = 131_071;

export function must(rule: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) =>
    input === undefined ? `is missing; it must be ${rule}` : `must be ${rule}, not ${shown(input)}`;
}

export const text = z.string({ error: must("text") });
export const flag = z.boolean({ error: must("true or false") });
export const ids = z.array(text, { error: must("a list of task ids") });
export const name = text.min(1, { error: must("text that is not empty") });

/** A name that stands in lists, messages and logs. */
export const label = text.regex(/^(?=.*\S)[^\p{Cc}]{1,256}$/u, {
  error: must("1 to 256 characters in one line"),
});

/** It reaches the shell as one argument, and the worker within one message. */
export const command = text
  .refine((value) => !value.includes("\0"), { error: "must not hold a NUL character" })
  .refine((value) => fits(value), {
    error: `has more than ${MAX_ARGUMENT} bytes; put it into a file and name that`,
  });

export function whole(from: number, to: number): z.ZodNumber {
  const rule = must(`a whole number from ${from} to ${to}`);
  return z.number({ error: rule }).int({ error: rule }).min(from, { error: rule }).max(to, { error: rule });
}

export function number(from: number, to: number): z.ZodNumber {
  const rule = must(`a number from ${from} to ${to}`);
  return z.number({ error: rule }).min(from, { error: rule }).max(to, { error: rule });
}

export function oneOf<const T extends readonly string[]>(...names: T): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(names, { error: must(`one of ${names.join(", ")}`) });
}

export const duration = z.unknown().transform((value, context): number => {
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: `${shown(value)} is no duration; ${DURATION_RULE}` });
  return z.NEVER;
});
export const someTime = duration.refine((ms) => ms > 0, { error: `must be longer than 0; ${DURATION_RULE}` });

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: must("text, a number, true or false"),
});
export const env = z
  .record(z.string(), scalar.transform(String), { error: must("a map of names to values") })
  .superRefine((variables, context) => {
    const complain = (message: string, path: string[] = []): void =>
      context.addIssue({ code: "custom", path, message });
    for (const [key, value] of Object.entries(variables)) {
      if (key === "" || /[=\0]/.test(key)) complain(`${shown(key)} cannot be the name of a variable`, [key]);
      if (value.includes("\0")) complain("must not hold a NUL character", [key]);
    }
    if (!fits(Object.entries(variables).join())) complain(`has more than ${MAX_ARGUMENT} bytes; use a file`);
  });

/** Any JSON. What JSON has no form for would not arrive as it was sent. */
export const params = z
  .custom<JsonObject>(isMap, { error: must("a map of names to values") })
  .superRefine((value, context) => {
    for (const { path, message } of notJson(value))
      context.addIssue({ code: "custom", path: [...path], message });
  });

function fits(value: string): boolean {
  return value.length * 3 <= MAX_ARGUMENT || Buffer.byteLength(value) <= MAX_ARGUMENT;
}
