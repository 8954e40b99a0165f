/** A form as JSON Schema (2020-12): for pages that show it and for programs that check what they give. */
import type { FormField } from "./input-form.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import type { Dag } from "./model.ts";

/** What may be given to start a run of the DAG. What is left out, or not among the properties, is fine as well. */
export function formSchema(
  { name, description }: Pick<Dag, "name" | "description">,
  form: readonly FormField[],
): JsonObject {
  const required = form.filter(isNeeded).map((field) => field.name);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: name,
    ...(description === undefined ? {} : { description }),
    type: "object",
    properties: Object.fromEntries(form.map((field) => [field.name, propertyOf(field)])),
    ...(required.length === 0 ? {} : { required }),
  };
}

/** Where there is a default, it may be left out all the same. */
function isNeeded({ required, default: preset }: FormField): boolean {
  return required && preset === undefined;
}

function propertyOf(field: FormField): JsonObject {
  const { label, description, placeholder, default: preset } = field;
  return {
    title: label,
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { type: typeOf(preset), default: preset }),
    ...(placeholder === undefined ? {} : { examples: [placeholder] }),
    ...(isNeeded(field) ? { not: { enum: ["", null] } } : {}),
  };
}

/** A value is meant to be like its default. */
function typeOf(value: JsonValue): string {
  return Array.isArray(value) ? "array" : typeof value;
}
