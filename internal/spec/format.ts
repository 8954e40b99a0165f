/** Definitions as the text of files. */
import { dump } from "js-yaml";
import type { DagDefinition } from "./schema.ts";

/** YAML that `parseDag` reads as the same DAG. Text of several lines keeps its lines. */
export function formatYaml(definition: DagDefinition): string {
  return dump(definition, { lineWidth: -1, noRefs: true });
}

/** JSON that `parseDag` reads as the same DAG, indented by 2. */
export function formatJson(definition: DagDefinition): string {
  return `${JSON.stringify(definition, null, 2)}\n`;
}
