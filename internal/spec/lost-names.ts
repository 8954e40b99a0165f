/** Names that maps of a definition cannot have: who reads them drops these, and nobody would notice. */
import { isMap } from "../core/not-json.ts";
import type { Found } from "./text.ts";

const LOST = "__proto__";

/** Of the maps whose names are the author's, apart from params, which may hold anything. */
const OF_DAG = ["inputs"];
const OF_TASK = ["bindings", "edge_filters", "env"];

export function lostNames(definition: unknown): Found[] {
  if (!isMap(definition)) return [];
  const { tasks, defaults } = definition;
  const ofTasks = Array.isArray(tasks)
    ? tasks.map((task: unknown, i) => lostIn(task, OF_TASK, ["tasks", i]))
    : [];
  return [lostIn(definition, OF_DAG, []), lostIn(defaults, OF_TASK, ["defaults"]), ...ofTasks].flat();
}

function lostIn(value: unknown, fields: readonly string[], at: Found["path"]): Found[] {
  if (!isMap(value)) return [];
  return fields
    .filter((field) => isMap(value[field]) && Object.hasOwn(value[field], LOST))
    .map((field) => ({
      path: [...at, field, LOST],
      message: `'${LOST}' cannot be a name here`,
      atKey: true,
    }));
}
