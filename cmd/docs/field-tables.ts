/** The tables of docs/dag-file.md, docs/artifacts.md and docs/task-types.md: every field of a DAG file, from the schema. */
import { TASK_OPTIONS } from "../../internal/spec/task-options.ts";
import { type JsonSchema, jsonSchema, optionsSchema } from "../../internal/spec/json-schema.ts";

const { properties: dag = {}, required } = jsonSchema();
const task = dag.tasks?.items ?? {};
const filter = task.properties?.edge_filters?.additionalProperties ?? {};

/** What stands in the section of a name, or `undefined`. */
export function fieldTable(name: string): string | undefined {
  switch (name) {
    case "dag fields":
      return table({ properties: dag, required: required ?? [] });
    case "task fields":
      return table(task);
    case "retry fields":
      return table(task.properties?.retry ?? {});
    case "schedule fields":
      return table(dag.schedule?.anyOf?.find(({ properties }) => properties !== undefined) ?? {});
    case "input fields":
      return table(dag.inputs?.additionalProperties ?? {});
    case "filter fields":
      return table(filter);
    case "rule fields":
      return table(filter.properties?.rules?.items ?? {});
    case "default fields":
      return Object.keys(dag.defaults?.properties ?? {})
        .map((field) => `\`${field}\``)
        .join(", ");
    default:
      return optionTable(name);
  }
}

/** `http options`: what tasks of a type have in `with`. */
function optionTable(name: string): string | undefined {
  const type = Object.keys(TASK_OPTIONS).find((each) => name === `${each} options`);
  return type === undefined ? undefined : table(optionsSchema(type));
}

function table({ properties = {}, required = [] }: JsonSchema): string {
  const rows = Object.entries(properties).map(([field, schema]) => {
    const preset = required.includes(field) ? "_required_" : presetOf(schema);
    return `| \`${field}\` | ${kindOf(schema)} | ${preset} | ${schema.description} |`;
  });
  return ["| field | kind | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function presetOf({ default: preset }: JsonSchema): string {
  return preset === undefined ? "" : `\`${String(preset)}\``;
}

function kindOf(schema: JsonSchema): string {
  const { title, enum: names, type, anyOf, minimum, maximum } = schema;
  if (title !== undefined) return title;
  if (names !== undefined) return names.map((each) => `\`${each}\``).join(", ");
  if (anyOf !== undefined) return anyOf.map(kindOf).join(" or ");
  switch (type) {
    case "string":
      return "text";
    case "boolean":
      return "true or false";
    case "integer":
      return `whole number, ${minimum} to ${maximum}`;
    case "number":
      return `number, ${minimum} to ${maximum}`;
    case "object":
      return "map";
    default:
      throw new Error(`a field has no kind that can be told: ${JSON.stringify(schema)}`);
  }
}
