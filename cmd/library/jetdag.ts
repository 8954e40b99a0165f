/** The public entry of the package: what programs that embed jetdag import. */
export { dag, type DagBuilder } from "./builder.ts";
export { formOf, formSchemaOf } from "./dag-form.ts";
export { type CriticalPath, type DagGraph, graphOf, type TaskTiming } from "./dag-graph.ts";
export type { DagOptions, RetryOptions, TaskOptions } from "./definition-options.ts";
export { artifacts, defineFunction, NonRetryable, SkipTask } from "./functions.ts";
export type { DefinedFunction, FunctionArtifact, FunctionDefinition, HandsOver } from "./functions.ts";
export { DistributedExecutor, type DistributedOptions } from "./distributed.ts";
export { LocalExecutor, SequentialExecutor } from "./local.ts";
export type { DagRun, LogsOptions } from "./library-executor.ts";
export type { ContainerOptions } from "./container-options.ts";
export type { HttpRequest } from "./http-request.ts";
export type { Duration, ExecutorOptions } from "./options.ts";
export type { FindSecret } from "./secret-option.ts";
export type { RetentionOptions } from "./retention.ts";
export { bash, docker, fn, http, type Work } from "./work.ts";
export {
  BadInput,
  type CancelAnswer,
  type ExecutorStatus,
  LogFull,
  type RetriedTask,
  type RetryHandle,
  type RunHandle,
} from "../../internal/executor/executor.ts";
export { MissingInput } from "../../internal/executor/run-input.ts";
export type { FormField, InputDeclaration } from "../../internal/core/input-form.ts";
export type { ToldArtifact } from "../../internal/core/artifact.ts";
export type { Binding, Bindings } from "../../internal/core/bindings.ts";
export type { Expressed } from "../../internal/core/expressed.ts";
export type { EdgeFilter, FilterRule } from "../../internal/core/edge-filter.ts";
export { NotStored } from "../../internal/ports/storing.ts";
export type { InstanceResult, RunResult, TaskResult } from "../../internal/core/result.ts";
export type { Dag, Task } from "../../internal/core/model.ts";
export type { LogEntry, LogGap, LogLine } from "../../internal/core/attempt-log.ts";
export type { JsonObject, JsonValue } from "../../internal/core/json.ts";
export type { Observation, Observer } from "../../internal/ports/observer.ts";
export type {
  TaskCall,
  TaskContext,
  TaskExecutor,
  TaskFunction,
  TaskReturn,
  FunctionContext,
  FunctionIdentity,
} from "../../internal/ports/task-executor.ts";
export { loadDag, parseDag } from "../../internal/spec/parse.ts";
export { DefinitionError, type DefinitionProblem } from "../../internal/spec/problems.ts";
export type { DagSource } from "../../internal/spec/read.ts";
export type { DagDefinition } from "../../internal/spec/schema.ts";
export { BashTaskExecutor, type BashOptions } from "../../internal/tasks/bash.ts";
export type { ArtifactLimits, NewArtifact } from "../../internal/core/new-artifact.ts";
export { BashUser, CannotRunAs } from "../../internal/tasks/bash-user.ts";
export { HttpTaskExecutor, type HttpOptions } from "../../internal/tasks/http.ts";
export { NetPolicy } from "../../internal/tasks/net-policy.ts";
export { FunctionTaskExecutor } from "../../internal/tasks/function.ts";
