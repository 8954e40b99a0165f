/** Pipelines as products have them: nodes that plugins run, with artifacts between them. */
import { problemsOf } from "../core/check.ts";
import type { Bindings } from "../core/bindings.ts";
import type { EdgeFilters } from "../core/edge-filter.ts";
import type { FanMode } from "../core/fan-out.ts";
import { Graph } from "../core/graph.ts";
import {
  type Dag,
  NO_ENV,
  NO_OPTIONS,
  NO_PARAMS,
  NO_TAGS,
  type Task,
  EXPONENTIAL_RETRY,
} from "../core/model.ts";

export interface PipelineNode {
  /** Unique in its pipeline. */
  readonly slug: string;
  /** What runs it; the engine asks nothing of the name but whether it hands through. */
  readonly plugin: string;
  /** Slugs; their order is that of the artifacts that the node gets. */
  readonly dependsOn?: readonly string[];
  /** Default `single`. */
  readonly fanMode?: FanMode;
  readonly edgeFilters?: EdgeFilters;
  readonly bindings?: Bindings;
}

/** A pipeline that cannot be run; `problems` are all there are. */
export class PipelineError extends Error {
  readonly code = "BAD_PIPELINE";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "PipelineError";
    this.problems = problems;
  }
}

/** Throws `PipelineError`. */
export function graphOfPipeline(
  nodes: readonly PipelineNode[],
  isPassthrough: (plugin: string) => boolean,
): Graph {
  const dag: Dag = {
    name: "pipeline",
    tags: NO_TAGS,
    tenantId: "",
    params: NO_PARAMS,
    onFailure: "stop",
    isPaused: false,
    tasks: nodes.map((node) => taskOf(node, isPassthrough(node.plugin))),
  };
  const problems = problemsOf(dag, () => undefined);
  if (problems.length > 0) {
    throw new PipelineError(problems.map(({ path, message }) => `${path.join(".")}: ${message}`));
  }
  return new Graph(dag);
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
    ...(edgeFilters === undefined ? {} : { edgeFilters }),
    ...(bindings === undefined ? {} : { bindings }),
  };
}
