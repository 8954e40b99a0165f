/**
 * What modules of functions import, as `jetdag/functions`: it brings nothing else of the package along, and each thread
 * of a worker loads it.
 */
export { artifacts, defineFunction, NonRetryable, SkipTask } from "../../internal/tasks/define-function.mjs";
export type {
  DefinedFunction,
  FunctionArtifact,
  FunctionDefinition,
  HandsOver,
} from "../../internal/tasks/defined-function.ts";
export type { FunctionContext, FunctionIdentity, TaskFunction } from "../../internal/ports/task-executor.ts";
export type { JsonObject, JsonValue } from "../../internal/core/json.ts";
