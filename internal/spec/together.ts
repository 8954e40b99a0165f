/** What can be said of a map of which some fields are wrong: all problems are told at once. */
import { z } from "zod";
import { isMap } from "../core/not-json.ts";

/** The fields of a map that can be understood. */
export function goodFields<S extends z.ZodRawShape>(
  value: unknown,
  shape: S,
): Partial<z.output<z.ZodObject<S>>> {
  const fields = isMap(value) ? value : {};
  const good = Object.entries(shape).flatMap(([field, schema]) => {
    const parsed = z.safeParse(schema, fields[field]);
    return parsed.success && parsed.data !== undefined ? [[field, parsed.data]] : [];
  });
  return Object.fromEntries(good) as Partial<z.output<z.ZodObject<S>>>;
}

/**
 * Judges fields of a map that have to do with each other. Where some of them are wrong by themselves, it sees the
 * others, so that all problems are told at once.
 */
export function together<S extends z.ZodObject>(
  schema: S,
  judge: (fields: Partial<z.output<S>>, complain: (field: string, message: string) => void) => void,
): S {
  return schema.superRefine(
    (value, context) => {
      const wrong = new Set(context.issues.map(({ path }) => path?.[0]));
      const right = Object.entries(value).filter(([field]) => !wrong.has(field));
      judge(Object.fromEntries(right) as Partial<z.output<S>>, (field, message) => {
        context.addIssue({ code: "custom", path: [field], message });
      });
    },
    { when: ({ value }) => isMap(value) },
  );
}
