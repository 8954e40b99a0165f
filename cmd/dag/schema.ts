/** `dag schema`: the JSON Schema of a DAG file, for editors. */
import { jsonSchemaText } from "../../internal/spec/json-schema.ts";

export function schema(types: readonly string[]): number {
  process.stdout.write(jsonSchemaText(types));
  return 0;
}
