/** The fields of definitions by the names that programs give them: `depends_on` is `dependsOn` there. */
import { z } from "zod";
import { isMap } from "../core/not-json.ts";
import { must } from "./fields.ts";
import { unknownField } from "./problems.ts";
import { definition } from "./schema.ts";
import { TASK_OPTIONS } from "./task-options.ts";
import type { Found } from "./text.ts";

/** Options with the names and in the form of a file, and what is wrong with their names. */
export interface NamedAsInFile {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly problems: readonly Found[];
}

/** Fields of a definition that are given otherwise than as options. */
const NO_DAG_OPTIONS = ["name", "tasks"];
/** As above, and second names for the same thing. */
const NO_TASK_OPTIONS = ["id", "type", "command", "workflow_ref", "dependencies"];

export function dagFields(options: unknown): NamedAsInFile {
  return rename(options, definition, NO_DAG_OPTIONS);
}

/** `position` is the task's place in its definition, from 0. */
export function taskFields(options: unknown, position: number): NamedAsInFile {
  const { fields, problems } = rename(options, definition.shape.tasks.element, NO_TASK_OPTIONS);
  return {
    fields,
    problems: problems.map((each) => ({ ...each, path: ["tasks", position, ...each.path] })),
  };
}

/** What only tasks of a type have. */
export function typeFields(type: string, options: unknown): NamedAsInFile {
  return rename(options, TASK_OPTIONS[type] ?? z.strictObject({}));
}

function rename(options: unknown, schema: z.ZodObject, except: readonly string[] = []): NamedAsInFile {
  if (!isMap(options)) {
    return { fields: {}, problems: [problem([], `options: ${must("a map")({ input: options })}`)] };
  }
  const names = Object.keys(schema.shape).filter((field) => !except.includes(field));
  const fieldOf = new Map(names.map((field) => [camelCase(field), field]));
  const fields: Record<string, unknown> = {};
  const problems: Found[] = [];
  for (const [option, value] of Object.entries(options)) {
    const field = fieldOf.get(option);
    if (field === undefined) problems.push(problem([option], unknownField(option, [...fieldOf.keys()])));
    else if (value !== undefined) {
      const inner = mapOf(schema.shape[field]);
      const renamed = inner !== undefined && isMap(value) ? rename(value, inner) : undefined;
      fields[field] = renamed?.fields ?? value;
      for (const { path, message } of renamed?.problems ?? [])
        problems.push(problem([field, ...path], message));
    }
  }
  return { fields, problems };
}

function problem(path: Found["path"], message: string): Found {
  return { path, message, atKey: true };
}

/** The schema of a field that is a map with fields of its own, unlike `params` and `env`, whose names are the caller's. */
function mapOf(schema: z.core.$ZodType | undefined): z.ZodObject | undefined {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  return inner instanceof z.ZodObject ? inner : undefined;
}

function camelCase(field: string): string {
  return field.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
