/** The JSON Schema of a DAG file: what an editor needs to complete, explain and check one. */
import { z } from "zod";
import { definition } from "./schema.ts";

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
}

/**
 * Draft 7: what the YAML language server, and with it most editors, knows best. What needs more than one field to
 * be judged (dependencies, cycles, a missing command) is not in it, nor is what a cron text or a time zone may be.
 */
export function jsonSchema(): JsonSchema {
  return z.toJSONSchema(definition.meta({ title: "A DAG of jetdag" }), {
    target: "draft-7",
    io: "input",
    // Fields of a kind that zod cannot show say in their metadata what they take.
    unrepresentable: "any",
    override: ({ jsonSchema: schema }) => {
      if (schema.preset === undefined) return;
      schema.default = schema.preset;
      delete schema.preset;
    },
  }) as JsonSchema;
}

/** The text of docs/dag.schema.json. */
export function jsonSchemaText(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`;
}
