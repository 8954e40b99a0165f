/** What a run of a DAG takes, for programs that ask people for it. */
import { formOf as formOfDag } from "../../internal/core/dag-form.ts";
import { formSchema } from "../../internal/core/form-schema.ts";
import type { FormField } from "../../internal/core/input-form.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import type { Dag } from "../../internal/core/model.ts";
import { type DagSource, ensureDag, type ReadOptions } from "../../internal/spec/read.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";

type Definition = Dag | DagDefinition | DagSource;

/** What it asks for, then its other params; each with the default that counts. Throws `DefinitionError` when a definition is not allowed. */
export function formOf(dag: Definition, options: ReadOptions = {}): FormField[] {
  return formOfDag(ensureDag(dag, options));
}

/** The same as JSON Schema (2020-12). */
export function formSchemaOf(dag: Definition, options: ReadOptions = {}): JsonObject {
  const read = ensureDag(dag, options);
  return formSchema(read, formOfDag(read));
}
