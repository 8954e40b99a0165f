/** Pipelines as products have them: nodes that plugins run, with artifacts between them. */
import type { Bindings } from "../core/bindings.ts";
import { problemsOf } from "../core/check.ts";
import { formOf as formOfDag, inputOf as inputOfDag } from "../core/dag-form.ts";
import type { EdgeFilter } from "../core/edge-filter.ts";
import type { FanMode } from "../core/fan-out.ts";
import { formSchema as formSchemaOfDag } from "../core/form-schema.ts";
import { Graph } from "../core/graph.ts";
import type { FormField, InputDeclarations } from "../core/input-form.ts";
import type { JsonObject } from "../core/json.ts";
import {
  type Dag,
  EXPONENTIAL_RETRY,
  NO_ENV,
  NO_OPTIONS,
  NO_PARAMS,
  NO_TAGS,
  type Task,
} from "../core/model.ts";
import { isMap } from "../core/not-json.ts";
import { shown } from "../core/shown.ts";
import { json, problemsOfInput, problemsOfNode } from "./check-node.ts";
import { MissingInput, PipelineError, type PipelineProblem } from "./errors.ts";

/** What else a node of the product's has is the product's own, and nowhere kept by the engine. */
export interface PipelineNode {
  /** Unique in its pipeline: 1 to 128 of `A-Z a-z 0-9 _ -`; see `withSlugs`. */
  readonly slug: string;
  /** What runs it; the engine asks nothing of the name but whether it hands through. */
  readonly plugin: string;
  /** Slugs; their order is that of the artifacts that the node gets. */
  readonly dependsOn?: readonly string[];
  /** Default `single`. */
  readonly fanMode?: FanMode;
  /** By the slug of the dependency that they are for. Default: all of its artifacts. */
  readonly edgeFilters?: Readonly<Record<string, Partial<EdgeFilter>>>;
  /** By the field of the task's input that they fill in. */
  readonly bindings?: Bindings;
}

export interface Pipeline {
  readonly nodes: readonly PipelineNode[];
  /** What its plugins ask for, by name; what bindings and expressions ask for is known by these. */
  readonly inputs?: InputDeclarations;
  /** Count where a run is given nothing. */
  readonly defaults?: JsonObject;
}

/** All that is wrong with a pipeline; nothing when it can be run. */
export function problemsOfPipeline(pipeline: Pipeline): PipelineProblem[] {
  const ofForm = problemsOfForm(pipeline);
  // The rest is not worth looking at before it has its form.
  if (ofForm.length > 0) return ofForm;
  return problemsOf(dagOf(pipeline), () => undefined).map(({ path, message }) => ({
    path: path.map((part, i) => (i === 0 || i === 2 ? (NAMES[part] ?? part) : part)),
    message,
  }));
}

/** What a run of it is asked for, in order. Throws `PipelineError`. */
export function formOf(pipeline: Pipeline): FormField[] {
  check(pipeline);
  return formOfDag(dagOf(pipeline));
}

/** The same as JSON Schema (2020-12), with this title. Throws `PipelineError`. */
export function formSchemaOf(pipeline: Pipeline, title: string): JsonObject {
  return formSchemaOfDag({ name: title }, formOf(pipeline));
}

/** What a run begins with that is given `input`. Throws `PipelineError` and `MissingInput`. */
export function inputOf(pipeline: Pipeline, input: JsonObject): JsonObject {
  check(pipeline);
  const merged = inputOfDag(dagOf(pipeline), input);
  if (merged.missing.length > 0) throw new MissingInput(merged.missing);
  return merged.input;
}

/**
 * The nodes, each with a slug: those without get the name of their plugin and a number, from 1 on, that is not taken.
 * For when a pipeline is saved: the slugs of a node must not change when another one comes or goes.
 */
export function withSlugs<N extends { readonly slug?: string; readonly plugin: string }>(
  nodes: readonly N[],
): (N & { readonly slug: string })[] {
  const taken = new Set(nodes.map(({ slug }) => slug));
  const last = new Map<string, number>();
  return nodes.map((node) => {
    const { slug = "", plugin } = node;
    if (slug !== "") return { ...node, slug };
    let number = (last.get(plugin) ?? 0) + 1;
    while (taken.has(`${plugin}_${number}`)) number++;
    last.set(plugin, number);
    return { ...node, slug: `${plugin}_${number}` };
  });
}

/** Of nodes that were checked; `isPassthrough` is asked for plugins. */
export function graphOfNodes(
  nodes: readonly PipelineNode[],
  isPassthrough: (plugin: string) => boolean,
): Graph {
  return new Graph(dagOf({ nodes }, isPassthrough));
}

/** The fields of a node that are the engine's. */
export function ownFields(node: PipelineNode): PipelineNode {
  const { slug, plugin, dependsOn, fanMode, edgeFilters, bindings } = node;
  return {
    slug,
    plugin,
    ...(dependsOn === undefined ? {} : { dependsOn }),
    ...(fanMode === undefined ? {} : { fanMode }),
    ...(edgeFilters === undefined ? {} : { edgeFilters }),
    ...(bindings === undefined ? {} : { bindings }),
  };
}

/** What the parts of a DAG are called in a pipeline. */
const NAMES: Readonly<Record<string, string>> = {
  tasks: "nodes",
  id: "slug",
  depends_on: "dependsOn",
  edge_filters: "edgeFilters",
};

function check(pipeline: Pipeline): void {
  const problems = problemsOfPipeline(pipeline);
  if (problems.length > 0) throw new PipelineError(problems);
}

function problemsOfForm(given: unknown): PipelineProblem[] {
  if (!isMap(given) || !Array.isArray(given.nodes))
    return [{ path: [], message: `a pipeline is { nodes: [ … ] }, not ${shown(given)}` }];
  const { nodes, inputs = {}, defaults = {} } = given;
  return [
    ...nodes.flatMap((node, i) => problemsOfNode(node, ["nodes", i])),
    ...mapOf(inputs, ["inputs"], problemsOfInput),
    ...mapOf(defaults, ["defaults"], json),
  ];
}

function mapOf(
  given: unknown,
  at: PipelineProblem["path"],
  check: (each: unknown, at: PipelineProblem["path"]) => PipelineProblem[],
): PipelineProblem[] {
  if (!isMap(given)) return [{ path: at, message: `must be a map, not ${shown(given)}` }];
  return Object.entries(given).flatMap(([name, each]) => check(each, [...at, name]));
}

function dagOf(
  { nodes, inputs, defaults = NO_PARAMS }: Pipeline,
  isPassthrough: (plugin: string) => boolean = () => false,
): Dag {
  return {
    name: "pipeline",
    tags: NO_TAGS,
    tenantId: "",
    params: defaults,
    onFailure: "stop",
    isPaused: false,
    ...(inputs === undefined ? {} : { inputs }),
    tasks: nodes.map((node) => taskOf(node, isPassthrough(node.plugin))),
  };
}

/** Attempts and their limits are the product's own: the engine tries nothing again by itself. */
function taskOf(node: PipelineNode, isPassthrough: boolean): Task {
  const { slug, plugin, dependsOn = [], fanMode = "single", edgeFilters, bindings } = node;
  return {
    id: slug,
    type: "plugin",
    command: plugin,
    options: NO_OPTIONS,
    params: NO_PARAMS,
    dependsOn,
    retries: 0,
    retry: EXPONENTIAL_RETRY,
    queue: "",
    priority: 5,
    critical: false,
    allowFailure: false,
    env: NO_ENV,
    fanMode,
    ...(isPassthrough ? { isPassthrough } : {}),
    ...(edgeFilters === undefined
      ? {}
      : {
          edgeFilters: Object.fromEntries(
            Object.entries(edgeFilters).map(([from, filter]) => [from, { rules: [], ...filter }]),
          ),
        }),
    ...(bindings === undefined ? {} : { bindings }),
  };
}
