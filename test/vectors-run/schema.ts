/** The input form: its fields, and what a run begins with or lacks. */
import type { Bindings } from "../../internal/core/bindings.ts";
import { formFields, type FormField, mergeInput, toField } from "../../internal/core/input-form.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { differences, type Vector, type VectorRunner } from "./vector.ts";

interface Declared {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  readonly required?: boolean;
}

type Case = Vector & {
  readonly nodes: readonly { readonly plugin: string; readonly bindings?: Bindings }[];
  readonly plugins: Readonly<Record<string, readonly Declared[]>>;
  readonly default_input: JsonObject;
  readonly run_input: JsonObject;
};

export const schema: VectorRunner = {
  file: "schema.json",
  run: (vector) => {
    const { nodes, plugins, default_input: defaults, run_input: given } = vector as Case;
    const declared = nodes.flatMap(({ plugin }) => (plugins[plugin] ?? []).flatMap(declaredField));
    const fields = formFields(declared, nodes);
    const { input, missing } = mergeInput(fields, defaults, given);
    const got = {
      fields: fields.map(toCase),
      merged: input,
      missing_labels: missing.map(({ label }) => label),
    };
    const wanted = {
      fields: vector.fields,
      ...("merged" in vector ? { merged: vector.merged, missing_labels: [] } : {}),
      ...("missing_labels" in vector ? { missing_labels: vector.missing_labels } : {}),
    };
    return differences(got, wanted);
  },
};

function declaredField({ name, description, source, required = false }: Declared): FormField[] {
  return source === "runtime" ? [toField(name, { label: description, required })] : [];
}

function toCase({ name, label, placeholder = "", required, default: preset = "" }: FormField): JsonObject {
  return { name, label, placeholder, required, default: preset };
}
