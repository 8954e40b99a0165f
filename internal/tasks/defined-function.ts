/** What is told of a function with `defineFunction`. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JsonObject } from "../core/json.ts";
import type { NewArtifact } from "../core/new-artifact.ts";
import type { FunctionContext } from "../ports/task-executor.ts";

type Input<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;
type Output<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;

/** A file of the host that the function runs on, or a record, which has metadata alone. */
export type FunctionArtifact = Omit<NewArtifact, "within">;

/** Made by `artifacts` alone. */
declare const handsOver: unique symbol;
export interface HandsOver<Output> {
  readonly [handsOver]: true;
  readonly artifacts: readonly FunctionArtifact[];
  readonly output: Output;
}

type OrHandsOver<Output> = Output | HandsOver<Output>;

export interface FunctionDefinition<
  Params extends StandardSchemaV1 = StandardSchemaV1<JsonObject>,
  Result extends StandardSchemaV1 = StandardSchemaV1,
> {
  /** What tasks have as their command. */
  readonly name: string;
  /** Checks the params before each call, by any library that keeps to standardschema.dev; what it makes of them is what the handler gets. Default: they come as they are. */
  readonly params?: Params;
  /** Checks what the handler gives back; what it makes of it is the output. Default: it goes as it is. */
  readonly result?: Result;
  /** How much heap a call may use, in MiB, on a thread; 16 at least. Default: what the worker gives to all functions. */
  readonly memoryMb?: number;
  /** One attempt of a task. What it throws is the attempt's failure. */
  handler(
    params: Output<Params>,
    context: FunctionContext,
  ): OrHandsOver<Input<Result>> | Promise<OrHandsOver<Input<Result>>>;
}

/** A function that tasks can name, whatever it takes. */
export interface DefinedFunction {
  readonly name: string;
  readonly params?: StandardSchemaV1;
  readonly result?: StandardSchemaV1;
  readonly memoryMb?: number;
  readonly handler: (params: never, context: FunctionContext) => unknown;
}
