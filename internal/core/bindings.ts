/** Values that a definition puts into fields of a task's input, and where each of them comes from. */
import type { Evaluated } from "./expression/evaluate.ts";
import type { ExpressionProblem } from "./expression/problem.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { isSecretName } from "./secrets.ts";
import { own, type Sources } from "./sources.ts";

/** A field of the artifacts of a dependency, or else of its output. */
export interface PreviousNodeBinding {
  readonly source: "previous_node";
  readonly node: string;
  /** `file_path`, `file_name`, `file_size`, `mime_type`; any other name is a key of the metadata, or of the output. */
  readonly key: string;
}

/** A text that stands in the definition; `$NAME` is the secret of that name. */
export interface ConfigBinding {
  readonly source: "config";
  /** Default: nothing. */
  readonly value?: string;
}

/** What was given when the run was started. */
export interface RuntimeBinding {
  readonly source: "runtime";
  /** Name of the input; blank or absent: that of the field. */
  readonly key?: string;
  /** What a form calls it. Default: its name, in words. */
  readonly label?: string;
  /** What a form shows where nothing is filled in. */
  readonly placeholder?: string;
  /** No run is started without it. Default false. */
  readonly required?: boolean;
  /** Counts where nothing was given; blank is none. */
  readonly default?: JsonValue;
}

export interface ExpressionBinding {
  readonly source: "expression";
  readonly expression: string;
}

export type Binding = PreviousNodeBinding | ConfigBinding | RuntimeBinding | ExpressionBinding;

/** By the field of the task's input. */
export type Bindings = Readonly<Record<string, Binding>>;

/** What bindings of one task instance are resolved with, beside their sources. */
export interface BindingContext {
  /** `config` in expressions: the task's own params. */
  readonly config: JsonObject;
  /** What stands for `$NAME`. */
  secret(name: string): JsonValue;
}

/** Why a field cannot be filled in: its expression cannot be evaluated. */
export interface BindingProblem extends ExpressionProblem {
  readonly field: string;
}

export type ResolvedBindings = { readonly values: JsonObject } | { readonly problem: BindingProblem };

/**
 * The fields that bindings fill in; one that comes to null is left as it is. What is given here goes over the task's
 * input, whatever that has.
 */
export function resolveBindings(
  bindings: Bindings,
  sources: Sources,
  context: BindingContext,
): ResolvedBindings {
  const values: [string, JsonValue][] = [];
  for (const [field, binding] of Object.entries(bindings)) {
    const resolved = resolve(field, binding, { sources, context });
    if ("problem" in resolved) return { problem: { ...resolved.problem, field } };
    if (resolved.value !== null) values.push([field, resolved.value]);
  }
  return { values: Object.fromEntries(values) };
}

/** The name of the secret that a binding is; `undefined` for all others. */
export function secretOf(binding: Binding): string | undefined {
  if (binding.source !== "config" || binding.value?.startsWith("$") !== true) return undefined;
  const name = binding.value.slice(1);
  // A price is no secret.
  return /^[A-Za-z_]/.test(name) && isSecretName(name) ? name : undefined;
}

/** The input that a binding takes. */
export function inputNameOf(field: string, { key = "" }: RuntimeBinding): string {
  return key.trim() === "" ? field : key;
}

/** Not filled in. */
export function isBlank(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || value === "";
}

function resolve(
  field: string,
  binding: Binding,
  { sources, context }: { readonly sources: Sources; readonly context: BindingContext },
): Evaluated {
  switch (binding.source) {
    case "previous_node":
      return sources.taken(sources.field(binding.node, binding.key));
    case "config":
      return { value: configured(binding, context) };
    case "runtime":
      return sources.taken(given(inputNameOf(field, binding), binding, sources.input));
    case "expression":
      return sources.evaluate(binding.expression, context.config);
  }
}

function configured(binding: ConfigBinding, { secret }: BindingContext): JsonValue {
  const name = secretOf(binding);
  if (name !== undefined) return secret(name);
  return binding.value === undefined || binding.value === "" ? null : binding.value;
}

/** What was given counts, also where it is blank. */
function given(name: string, { default: preset = null }: RuntimeBinding, input: JsonObject): JsonValue {
  if (Object.hasOwn(input, name)) return own(input, name);
  return isBlank(preset) ? null : preset;
}
