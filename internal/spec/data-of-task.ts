/** What a task does with artifacts, between the file's form and the model; what says nothing is left out. */
import type { EdgeFilters } from "../core/edge-filter.ts";
import type { Dag, Task } from "../core/model.ts";
import type { DagDefinition, RawDefinition, RawTask } from "./schema.ts";

type DataOfTask = Pick<Task, "outputs" | "fanMode" | "edgeFilters" | "bindings">;

export function readData({ outputs, fan_mode, edge_filters, bindings }: RawTask): DataOfTask {
  return {
    ...(isEmpty(outputs) ? {} : { outputs }),
    ...(fan_mode === undefined && isEmpty(edge_filters) ? {} : { fanMode: fan_mode ?? "single" }),
    ...(isEmpty(edge_filters) ? {} : { edgeFilters: readFilters(edge_filters) }),
    ...(isEmpty(bindings) ? {} : { bindings }),
  };
}

export function readInputs({ inputs }: RawDefinition): Pick<Dag, "inputs"> {
  return isEmpty(inputs) ? {} : { inputs };
}

export function writeData({
  outputs,
  fanMode,
  edgeFilters,
  bindings,
}: DataOfTask): Pick<DagDefinition["tasks"][number], "outputs" | "fan_mode" | "edge_filters" | "bindings"> {
  return {
    ...(outputs === undefined ? {} : { outputs: [...outputs] }),
    ...(fanMode === undefined ? {} : { fan_mode: fanMode }),
    ...(edgeFilters === undefined ? {} : { edge_filters: writeFilters(edgeFilters) }),
    ...(bindings === undefined ? {} : { bindings: { ...bindings } }),
  };
}

type RawFilters = NonNullable<RawTask["edge_filters"]>;

function readFilters(raw: RawFilters): EdgeFilters {
  return Object.fromEntries(
    Object.entries(raw).map(([task, { rules = [], select }]) => [
      task,
      { rules, ...(select === undefined ? {} : { select }) },
    ]),
  );
}

function writeFilters(filters: EdgeFilters): RawFilters {
  return Object.fromEntries(
    Object.entries(filters).map(([task, { rules, ...more }]) => [
      task,
      {
        ...(rules.length === 0 ? {} : { rules: rules.map(writeRule) }),
        ...more,
      },
    ]),
  );
}

type RawRule = NonNullable<RawFilters[string]["rules"]>[number];

function writeRule({ value, ...rule }: EdgeFilters[string]["rules"][number]): RawRule {
  return { ...rule, value: typeof value === "object" ? [...value] : value };
}

function isEmpty(map: object | undefined): map is undefined {
  return map === undefined || Object.keys(map).length === 0;
}
