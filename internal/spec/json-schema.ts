/** The JSON Schema of a DAG file: what an editor needs to complete, explain and check one. */
import { z } from "zod";
import { canonicalType, TASK_TYPE_NAMES } from "../core/task-types.ts";
import { definition } from "./schema.ts";
import { TASK_OPTIONS } from "./task-options.ts";

/** As far as the schema of a DAG file goes. */
export interface JsonSchema {
  readonly title?: string;
  readonly description?: string;
  readonly default?: string | number | boolean;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** What each value of a map with names of the caller's own is. */
  readonly additionalProperties?: JsonSchema;
}

/**
 * Draft 7: what the YAML language server, and with it most editors, knows best. What needs more than one field to
 * be judged (dependencies, cycles, a missing command) is not in it, nor is what a cron text or a time zone may be.
 * `types` are those of tasks beyond the built-in ones.
 */
export function jsonSchema(types: readonly string[] = []): JsonSchema {
  const schema = toJsonSchema(definition.meta({ title: "A DAG of jetdag" }));
  const tasks = schema.properties?.tasks;
  if (tasks?.items === undefined) throw new Error("internal: a definition has no tasks");
  const items = { ...withTypes(tasks.items, types), allOf: Object.keys(TASK_OPTIONS).map(optionsOf) };
  const defaults = withTypes(schema.properties?.defaults ?? {}, types);
  return { ...schema, properties: { ...schema.properties, defaults, tasks: { ...tasks, items } } };
}

/** The fields of a task, whose type may be one more. */
function withTypes(fields: JsonSchema, types: readonly string[]): JsonSchema {
  const known = fields.properties?.type;
  const type = { ...known, enum: [...(known?.enum ?? []), ...types] };
  return { ...fields, properties: { ...fields.properties, type } };
}

/** What `with` of a task may hold, by type. */
export function optionsSchema(type: string): JsonSchema {
  const options = TASK_OPTIONS[type];
  if (options === undefined) throw new Error(`internal: type '${type}' has no options of its own`);
  return toJsonSchema(options);
}

/** Where a task says its type, its options are those of the type. */
function optionsOf(type: string): object {
  const { $schema: _, ...options } = optionsSchema(type) as JsonSchema & { readonly $schema?: string };
  const names = TASK_TYPE_NAMES.filter((name) => canonicalType(name) === type);
  return {
    if: { properties: { type: { enum: names } }, required: ["type"] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { properties: { with: options } },
  };
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    // Fields of a kind that zod cannot show say in their metadata what they take.
    unrepresentable: "any",
    override: ({ jsonSchema: made }) => {
      if (made.preset === undefined) return;
      made.default = made.preset;
      delete made.preset;
    },
  }) as JsonSchema;
}

/** The text of docs/dag.schema.json. */
export function jsonSchemaText(types?: readonly string[]): string {
  return `${JSON.stringify(jsonSchema(types), null, 2)}\n`;
}
