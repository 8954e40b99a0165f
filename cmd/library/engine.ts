/**
 * The public entry `jetdag/engine`: pipelines inside a product that has its own database and its own queue. It needs no
 * server, and brings no more of the package along than the core that runs are decided by.
 */
import { Engine as CoreEngine } from "../../internal/engine/engine.ts";
import type { EngineOptions } from "../../internal/engine/engine-options.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

/** Runs pipelines over the product's store and queue. */
export class Engine extends CoreEngine {
  /** Throws `EngineError` when an option cannot be used. */
  constructor(options: EngineOptions) {
    super(options, linearPatterns());
  }
}

export type { EngineOptions } from "../../internal/engine/engine-options.ts";
export {
  EngineError,
  type EngineErrorCode,
  MissingInput,
  PipelineError,
  type PipelineProblem,
} from "../../internal/engine/errors.ts";
export type { EventStore } from "../../internal/engine/event-store.ts";
export type { RunEnd } from "../../internal/engine/following.ts";
export {
  formOf,
  formSchemaOf,
  inputOf,
  type Pipeline,
  type PipelineNode,
  problemsOfPipeline,
  withSlugs,
} from "../../internal/engine/pipeline.ts";
export type { NodeStatus, RunStatus } from "../../internal/engine/status.ts";
export type { EngineTask, HandedArtifact, RunArtifact, TaskRef } from "../../internal/engine/task.ts";
export type { TaskInputOptions } from "../../internal/engine/task-input.ts";
export type { Binding, Bindings } from "../../internal/core/bindings.ts";
export type { EdgeFilter, FilterRule } from "../../internal/core/edge-filter.ts";
export type { RunEndState } from "../../internal/core/facts.ts";
export type { FanMode } from "../../internal/core/fan-out.ts";
export type { FormField, InputDeclaration, InputDeclarations } from "../../internal/core/input-form.ts";
export type { JsonObject, JsonValue } from "../../internal/core/json.ts";
