/** What the expressions and bindings of one task instance see: the tasks before it, and what the run was started with. */
import type { PlacedArtifact } from "./artifact.ts";
import { compileFilter, type EdgeFilters } from "./edge-filter.ts";
import { Allowance } from "./expression/allowance.ts";
import { type Evaluated, evaluate } from "./expression/evaluate.ts";
import { parseExpression } from "./expression/parse.ts";
import type { Patterns } from "./expression/patterns.ts";
import type { JsonObject, JsonValue } from "./json.ts";

export interface SourcesOptions {
  /** Of a dependency, in order; none where the instance has none of it. Their edge filter need not be applied yet. */
  artifactsOf(task: string): readonly PlacedArtifact[];
  /** The output of a dependency; `undefined` where it has none, or several. Default: none has any. */
  outputOf?(task: string): JsonObject | undefined;
  /** The edge filters of the task: artifacts that they hold back are not seen. */
  readonly edgeFilters?: EdgeFilters;
  /** Params of the run. */
  readonly input: JsonObject;
  readonly patterns: Patterns;
}

export class Sources {
  readonly #options: SourcesOptions;
  readonly #allowance = new Allowance();
  /** Each task's artifacts once, however often they are looked at. */
  readonly #known = new Map<string, readonly PlacedArtifact[]>();

  constructor(options: SourcesOptions) {
    this.#options = options;
  }

  get input(): JsonObject {
    return this.#options.input;
  }

  /** What the artifacts of a dependency have under the key, or else what its output has. */
  field(task: string, key: string): JsonValue {
    return fieldOf(this.#artifactsOf(task), key) ?? own(this.#options.outputOf?.(task) ?? NONE, key);
  }

  /** `config`: what `{config.key}` is. */
  evaluate(text: string, config: JsonObject): Evaluated {
    const parsed = parseExpression(text);
    if ("expression" in parsed) {
      const evaluated = evaluate(parsed.expression, {
        input: (key) => own(this.input, key),
        config: (key) => own(config, key),
        nodes: (task, key) => this.field(task, key),
        patterns: this.#options.patterns,
        allowance: this.#allowance,
      });
      return "value" in evaluated ? this.taken(evaluated.value) : evaluated;
    }
    const [problem] = parsed.problems;
    if (problem === undefined)
      throw new Error("internal: an expression is wrong, and nothing is wrong with it");
    return { problem };
  }

  /** The value, unless the task would have too much with it. */
  taken(value: JsonValue): Evaluated {
    const message = this.#allowance.take(value);
    return message === undefined ? { value } : { problem: { kind: "value_too_long", offset: 0, message } };
  }

  #artifactsOf(task: string): readonly PlacedArtifact[] {
    const before = this.#known.get(task);
    if (before !== undefined) return before;
    const { edgeFilters = {}, artifactsOf } = this.#options;
    const filter = Object.hasOwn(edgeFilters, task) ? edgeFilters[task] : undefined;
    const all = artifactsOf(task);
    const passed = filter === undefined ? all : compileFilter(filter)(all);
    this.#known.set(task, passed);
    return passed;
  }
}

const NONE: JsonObject = Object.freeze({});

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

export function own(values: JsonObject, key: string): JsonValue {
  return Object.hasOwn(values, key) ? (values[key] ?? null) : null;
}
