/** Values that a definition puts into fields of a task's input, and where each of them comes from. */
import type { PlacedArtifact } from "./artifact.ts";
import { compileFilter, type EdgeFilters } from "./edge-filter.ts";
import { type Evaluated, evaluate, type EvaluationContext } from "./expression/evaluate.ts";
import { parseExpression } from "./expression/parse.ts";
import type { Patterns } from "./expression/patterns.ts";
import type { ExpressionProblem } from "./expression/problem.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { isSecretName } from "./secrets.ts";

/** A field of the artifacts of a dependency. */
export interface PreviousNodeBinding {
  readonly source: "previous_node";
  readonly node: string;
  /** `file_path`, `file_name`, `file_size`, `mime_type`; any other name is a key of the metadata. */
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

/** What bindings of one task instance are resolved with. */
export interface BindingContext {
  /** Of a dependency, in order; none where the instance has none of it. Their edge filter need not be applied yet. */
  artifactsOf(task: string): readonly PlacedArtifact[];
  /** The edge filters of the task: what they hold back no binding sees. */
  readonly edgeFilters?: EdgeFilters;
  /** Params of the run. */
  readonly input: JsonObject;
  /** `config` in expressions: the task's own params. */
  readonly config: JsonObject;
  /** What stands for `$NAME`. */
  secret(name: string): JsonValue;
  readonly patterns: Patterns;
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
export function resolveBindings(bindings: Bindings, context: BindingContext): ResolvedBindings {
  const resolve = resolver(context);
  const values: [string, JsonValue][] = [];
  for (const [field, binding] of Object.entries(bindings)) {
    const resolved = resolve(field, binding);
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

function resolver(context: BindingContext): (field: string, binding: Binding) => Evaluated {
  const artifactsOf = filtered(context);
  const { input, config, patterns } = context;
  const values: EvaluationContext = {
    input: (key) => own(input, key),
    config: (key) => own(config, key),
    nodes: (task, key) => fieldOf(artifactsOf(task), key),
    patterns,
  };
  return (field, binding) => {
    switch (binding.source) {
      case "previous_node":
        return { value: fieldOf(artifactsOf(binding.node), binding.key) };
      case "config":
        return { value: configured(binding, context) };
      case "runtime":
        return { value: given(inputNameOf(field, binding), binding, input) };
      case "expression":
        return evaluated(binding.expression, values);
    }
  };
}

function evaluated(text: string, values: EvaluationContext): Evaluated {
  const parsed = parseExpression(text);
  if ("expression" in parsed) return evaluate(parsed.expression, values);
  const [problem] = parsed.problems;
  if (problem === undefined)
    throw new Error("internal: an expression is wrong, and nothing is wrong with it");
  return { problem };
}

/** Each task's artifacts once, however many bindings look at them. */
function filtered({ artifactsOf, edgeFilters = {} }: BindingContext): BindingContext["artifactsOf"] {
  const known = new Map<string, readonly PlacedArtifact[]>();
  return (task) => {
    const before = known.get(task);
    if (before !== undefined) return before;
    const filter = Object.hasOwn(edgeFilters, task) ? edgeFilters[task] : undefined;
    const all = artifactsOf(task);
    const passed = filter === undefined ? all : compileFilter(filter)(all);
    known.set(task, passed);
    return passed;
  };
}

/** Of one artifact its value, of several a list; those that have none are left out. */
function fieldOf(artifacts: readonly PlacedArtifact[], key: string): JsonValue {
  const values = artifacts.map((artifact) => attributeOf(artifact, key)).filter((value) => value !== null);
  return values.length > 1 ? values : (values[0] ?? null);
}

function attributeOf(artifact: PlacedArtifact, key: string): JsonValue {
  switch (key) {
    case "file_path":
      return artifact.path;
    case "file_name":
      return artifact.name;
    case "file_size":
      return artifact.size;
    case "mime_type":
      return artifact.mimeType;
    default:
      return own(artifact.metadata, key);
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

function own(values: JsonObject, key: string): JsonValue {
  return Object.hasOwn(values, key) ? (values[key] ?? null) : null;
}
