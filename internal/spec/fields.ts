/**
 * The kinds of fields that files have: each says what is allowed, and what was found instead. What `meta` holds goes
 * into the JSON Schema; a title is the kind's name for a reader, `patternErrorMessage` what editors say instead of the
 * pattern.
 */
import { z } from "zod";
import { NAME, NAME_RULE } from "../core/check.ts";
import { type Expressed, isExpressed } from "../core/expressed.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { isMap } from "../core/not-json.ts";
import { problemOfReferences } from "../core/secrets.ts";
import { shown } from "../core/shown.ts";
import { CRON, CRON_RULE, problemOfCron, problemOfZone } from "./cron.ts";
import { DURATION, DURATION_RULE, MAX_SECONDS, parseDuration, SOME_TIME } from "./duration.ts";
import { problemsOfValue } from "./json.ts";

/** The most that Linux takes as one argument of a command, less the byte that ends it. */
const MAX_ARGUMENT = 131_071;

export function must(rule: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) =>
    input === undefined ? `is missing; it must be ${rule}` : `must be ${rule}, not ${shown(input)}`;
}

/** A field that may be left out: its meaning in a sentence or two, and what counts without it, where that is a value. */
export function may<T extends z.ZodType>(
  kind: T,
  sentence: string,
  preset?: string | number | boolean,
): z.ZodOptional<T> {
  return kind.optional().meta({ description: sentence, ...(preset === undefined ? {} : { preset }) });
}

export const text = z.string({ error: must("text") });
export const flag = z.boolean({ error: must("true or false") });
export const name = text.min(1, { error: must("text that is not empty") });

/** Whether the tasks are there is judged with all of them at hand, and so is the form of an id. */
export const id = text.meta({
  title: "task id",
  pattern: NAME.source,
  patternErrorMessage: `use ${NAME_RULE}`,
});
export const ids = z
  .array(text, { error: must("a list of task ids") })
  .meta({ title: "list of task ids", uniqueItems: true });
export const queue = text
  .regex(NAME, { error: must(NAME_RULE) })
  .meta({ title: "name", patternErrorMessage: `use ${NAME_RULE}` });

export const tags = z
  .array(
    text.regex(/^[^\s,\p{Cc}]{1,64}$/u, { error: must("1 to 64 characters without blanks and commas") }),
    {
      error: must("a list of names"),
    },
  )
  .superRefine((given, context) => {
    const seen = new Set<string>();
    for (const [i, tag] of given.entries()) {
      if (seen.has(tag))
        context.addIssue({ code: "custom", path: [i], message: `${shown(tag)} is named twice` });
      seen.add(tag);
    }
  })
  .meta({ title: "list of names", uniqueItems: true });

/** A name that stands in lists, messages and logs. */
export const label = text.regex(/^(?=.*\S)[^\p{Cc}]{1,256}$/u, {
  error: must("1 to 256 characters in one line"),
});

/** In the place of a value. The text is judged where it is known which tasks there are. */
export const expressed = z.custom<Expressed>(isExpressed, { error: must("a map with expression") }).meta({
  title: "expression",
  type: "object",
  properties: { expression: { type: "string", description: "Text with `{…}` in it." } },
  required: ["expression"],
  additionalProperties: false,
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

const noDuration = ({ input }: { readonly input?: unknown }): string =>
  parseDuration(input) === 0
    ? `must be longer than 0; ${DURATION_RULE}`
    : `${shown(input)} is no duration; ${DURATION_RULE}`;

const ERROR = { error: noDuration };
const seconds = z.number(ERROR).max(MAX_SECONDS, ERROR);
const written = (pattern: RegExp): z.ZodString =>
  z.string(ERROR).regex(pattern, ERROR).meta({ patternErrorMessage: DURATION_RULE });

/** Whole milliseconds, at least one. */
export const someTime = z
  .union([written(SOME_TIME), seconds.gt(0, ERROR)], ERROR)
  .transform((value, context) => {
    const ms = parseDuration(value);
    return ms === undefined || ms === 0 ? complain(value, context) : ms;
  })
  .meta({ title: "duration" });

/** A number of seconds, more than 0: a duration that is read again as the same. */
export const someSeconds = someTime.transform((ms) => ms / 1_000).meta({ title: "duration" });

/** Whole milliseconds. */
export const duration = z
  .union([written(DURATION), seconds.min(0, ERROR)], ERROR)
  .transform((value, context) => parseDuration(value) ?? complain(value, context))
  .meta({ title: "duration" });

function complain(value: unknown, context: z.RefinementCtx): never {
  context.addIssue({ code: "custom", message: noDuration({ input: value }) });
  return z.NEVER;
}

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
      const secret = problemOfReferences(value);
      if (secret !== undefined) complain(secret, [key]);
    }
    const size = problemOfEnv(variables);
    if (size !== undefined) complain(size);
  })
  .meta({ title: "map of names to text", propertyNames: { pattern: "^[^=\\u0000]+$" } });

/** The whole environment of a task has a limit, too. */
export function problemOfEnv(variables: Readonly<Record<string, string>>): string | undefined {
  return fits(Object.entries(variables).join())
    ? undefined
    : `has more than ${MAX_ARGUMENT} bytes; use a file`;
}

/** Whose values are judged where it is known what they are for. */
export const map = z
  .custom<JsonObject>(isMap, { error: must("a map of names to values") })
  .meta({ title: "map", type: "object" });

export const anything = z
  .custom<JsonValue>((value) => value !== undefined)
  .superRefine((value, context) => {
    for (const { path, message } of problemsOfValue(value))
      context.addIssue({ code: "custom", path: [...path], message });
  })
  .meta({ title: "anything" });

/** Any JSON. What JSON has no form for would not arrive as it was sent. */
export const params = map.superRefine((value, context) => {
  for (const { path, message } of problemsOfValue(value))
    context.addIssue({ code: "custom", path: [...path], message });
});

export const cron = z
  .string({ error: must("a cron text") })
  .superRefine((value, context) => {
    const message = problemOfCron(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .meta({ title: "cron text", pattern: CRON.source, patternErrorMessage: CRON_RULE });

export const timezone = z
  .string({ error: must("the name of a time zone, like Europe/Berlin") })
  .superRefine((value, context) => {
    const message = problemOfZone(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .meta({ title: "time zone" });

const DATE_RULE = "a date like 2026-01-31 or a time like 2026-01-31T08:00:00Z";
const NO_DATE = { error: must(DATE_RULE) };
const RULE_OF_DATES = { patternErrorMessage: `write ${DATE_RULE}` };
export const date = z
  .union(
    [
      z.iso.date(NO_DATE).meta(RULE_OF_DATES),
      z.iso.datetime({ offset: true, ...NO_DATE }).meta(RULE_OF_DATES),
    ],
    NO_DATE,
  )
  .meta({ title: "date or time" });

function fits(value: string): boolean {
  return value.length * 3 <= MAX_ARGUMENT || Buffer.byteLength(value) <= MAX_ARGUMENT;
}
