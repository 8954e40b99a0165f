/** The form of graph.json: what happens to a run, and what is to follow from each step. */
import type { ProducedArtifact } from "../../internal/core/artifact.ts";
import type { EdgeFilters, FilterRule, Operator, Select } from "../../internal/core/edge-filter.ts";
import type { FanMode } from "../../internal/core/fan-out.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import type { PipelineNode } from "../../internal/engine/pipeline.ts";
import type { DagDefinition } from "../../internal/spec/schema.ts";

/** The cases are made for it. */
export const FAN_OUT_LIMIT = 200;

export interface GraphCase {
  readonly nodes: readonly RawNode[];
  readonly passthrough_plugins?: readonly string[];
  readonly start_error?: string;
  readonly steps?: readonly Step[];
}

interface RawNode {
  readonly slug: string;
  readonly plugin: string;
  readonly depends_on?: readonly string[];
  readonly fan_mode?: FanMode;
  readonly edge_filters?: Readonly<Record<string, RawFilter>>;
}

interface RawFilter {
  readonly rules?: readonly (Omit<FilterRule, "op"> & { readonly operator: Operator })[];
  readonly select?: Select;
}

export interface Step {
  readonly event: Event;
  readonly expect: Expected;
}

/** Which task of a node: that of this artifact, or of this group; neither for one that is the only one. */
export interface TaskKey {
  readonly node: string;
  readonly input?: string;
  readonly origin?: string;
}

export type Event =
  | { readonly start: true }
  | { readonly complete: TaskKey; readonly artifacts: readonly RawArtifact[] }
  | { readonly redeliver_complete: TaskKey }
  | { readonly fail: TaskKey; readonly error?: string }
  | { readonly crash: TaskKey; readonly error?: string }
  | {
      readonly abort: { readonly status: "failed" | "crashed" | "cancelled"; readonly reason: string };
      readonly returns: boolean;
    }
  | { readonly retry: object; readonly boundary: { readonly failed: readonly string[] } };

export interface Expected {
  readonly dispatched: readonly (TaskKey & { readonly input_artifacts: readonly string[] | null })[];
  readonly skipped: readonly string[];
  readonly filtered: readonly string[];
  readonly failed_markers: readonly {
    readonly node: string;
    readonly count: number;
    readonly max: number;
    readonly grouped: boolean;
  }[];
  readonly nodes: Readonly<Record<string, "not_launched" | Readonly<Record<string, number>>>>;
  readonly run: string;
  readonly callbacks: readonly string[];
}

export interface RawArtifact {
  readonly id: string;
  readonly file_name: string;
  readonly file_size: number | null;
  readonly mime_type: string | null;
  readonly metadata: JsonObject;
  readonly origin: string | null;
}

export function nodesOf({ nodes }: GraphCase): PipelineNode[] {
  return nodes.map(
    ({ slug, plugin, depends_on: dependsOn = [], fan_mode: fanMode, edge_filters: filters }) => ({
      slug,
      plugin,
      dependsOn,
      ...(fanMode === undefined ? {} : { fanMode }),
      ...(filters === undefined ? {} : { edgeFilters: edgeFiltersOf(filters) }),
    }),
  );
}

/** As a DAG file says it: the tasks are of no type that anything runs. */
export function definitionOf({ nodes }: GraphCase, name: string): DagDefinition {
  return {
    name,
    on_failure: "stop",
    tasks: nodes.map(
      ({ slug: id, plugin: command, depends_on, fan_mode = "single", edge_filters: filters }) => ({
        id,
        type: "function",
        command,
        ...(depends_on === undefined ? {} : { depends_on: [...depends_on] }),
        fan_mode,
        ...(filters === undefined ? {} : { edge_filters: rawFiltersOf(filters) }),
      }),
    ),
  };
}

export function artifactsOf(raw: readonly RawArtifact[]): ProducedArtifact[] {
  return raw.map(({ id, file_name: name, file_size: size, mime_type: mimeType, metadata, origin }) => ({
    id,
    name,
    size,
    mimeType,
    metadata,
    origin,
  }));
}

type RawFilters = NonNullable<DagDefinition["tasks"][number]["edge_filters"]>;

function rawFiltersOf(filters: Readonly<Record<string, RawFilter>>): RawFilters {
  return edgeFiltersOf(filters) as unknown as RawFilters;
}

function edgeFiltersOf(filters: Readonly<Record<string, RawFilter>>): EdgeFilters {
  return Object.fromEntries(
    Object.entries(filters).map(([node, { rules = [], ...more }]) => [
      node,
      { ...more, rules: rules.map(({ operator: op, ...rule }) => ({ ...rule, op })) },
    ]),
  );
}
