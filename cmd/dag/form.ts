/** `dag form FILE`: what a run of the DAG takes. */
import type { Settings } from "../../internal/config/load.ts";
import { formOf } from "../../internal/core/dag-form.ts";
import { formSchema } from "../../internal/core/form-schema.ts";
import type { FormField } from "../../internal/core/input-form.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { oneLine, table } from "../../internal/telemetry/text.ts";
import { loadDefinition, versionOf } from "./definition.ts";

interface Flags {
  readonly json: boolean;
  readonly jsonSchema?: boolean;
  readonly types: readonly string[];
  /** Of a deployed DAG. Default: the newest. */
  readonly version?: string;
}

export async function form(
  { json, jsonSchema = false, types, version }: Flags,
  settings: Settings,
  what: string,
): Promise<number> {
  const which = version === undefined ? {} : { version: versionOf(version) };
  const dag = await loadDefinition(what, { settings, types, ...which });
  const fields = formOf(dag);
  if (jsonSchema) process.stdout.write(`${JSON.stringify(formSchema(dag, fields), null, 2)}\n`);
  else if (json) process.stdout.write(`${JSON.stringify({ dag: dag.name, fields: fields.map(toJson) })}\n`);
  else if (fields.length === 0) process.stdout.write(`DAG '${dag.name}' takes no inputs\n`);
  else {
    const lines = table(rowsOf(fields), { width: lineWidth(), whole: 0 });
    process.stdout.write(`${[...lines, ...howTo(what, fields)].join("\n")}\n`);
  }
  return 0;
}

/** How to give what has to be given. */
function howTo(what: string, fields: readonly FormField[]): string[] {
  const params = fields.flatMap(({ name, required, default: preset, placeholder = "…" }) =>
    required && preset === undefined ? [`--param ${name}=${quoted(oneLine(placeholder))}`] : [],
  );
  return params.length === 0 ? [] : ["", `dag run ${what} ${params.join(" ")}`];
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w./:@%+,=…-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function rowsOf(fields: readonly FormField[]): string[][] {
  const rows = fields.map((field) => {
    const { name, label, required, default: preset, description = "", placeholder } = field;
    const shown = preset === undefined ? "" : typeof preset === "string" ? preset : JSON.stringify(preset);
    const example = placeholder === undefined ? "" : `e.g. ${placeholder}`;
    const about = [description, example].filter((part) => part !== "").join("; ");
    return [name, label, required ? "yes" : "no", shown, about].map(oneLine);
  });
  return [["NAME", "LABEL", "REQUIRED", "DEFAULT", "ABOUT"], ...rows];
}

function toJson({ name, label, description, placeholder, required, default: preset }: FormField): object {
  return {
    name,
    label,
    description: description ?? null,
    placeholder: placeholder ?? null,
    required,
    default: preset ?? null,
  };
}
