/** `dag schema`: the JSON Schema of a DAG file, for editors. */
import { jsonSchemaText } from "../../internal/spec/json-schema.ts";

export function schema(): Promise<number> {
  process.stdout.write(jsonSchemaText());
  return Promise.resolve(0);
}
