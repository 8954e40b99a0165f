/** Bindings: the value that one gives, why it gives none, and those that are refused. */
import { type Binding, resolveBindings } from "../../internal/core/bindings.ts";
import type { JsonObject, JsonValue } from "../../internal/core/json.ts";
import { Sources } from "../../internal/core/sources.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";
import { bindings as readBindings } from "../../internal/spec/data-fields.ts";
import { placedOf } from "./artifacts.ts";
import { pythonText } from "./python-text.ts";
import { differences, type Vector, type VectorRunner } from "./vector.ts";

type Case = Vector & {
  readonly binding: Binding;
  readonly artifacts: Readonly<Record<string, readonly Parameters<typeof placedOf>[0][]>>;
  readonly run_input: JsonObject;
  readonly config: JsonObject;
};

export const bindings: VectorRunner = {
  file: "bindings.json",
  run: (vector) => {
    const { expected, error, invalid } = vector;
    const wanted = Object.entries({ expected, error, invalid }).filter(([, value]) => value !== undefined);
    return differences({ ...outcome(vector as Case) }, Object.fromEntries(wanted));
  },
  // Fields of artifacts keep their kind, as from release 0.2.0 on; before, they became text.
  otherwise: (vector) => {
    const { expected } = outcome(vector as Case);
    const isOfArtifacts = expected !== undefined && takesArtifacts(vector as Case);
    return isOfArtifacts && isTextOf(vector.expected as JsonValue, expected);
  },
};

/** The cases do not say which field is filled in. */
const FIELD = "";
const patterns = linearPatterns();

interface Outcome {
  readonly expected?: JsonValue;
  readonly error?: string;
  readonly invalid?: true;
}

function outcome({ binding, artifacts, run_input: input, config }: Case): Outcome {
  const read = readBindings.safeParse({ [FIELD]: binding });
  if (!read.success) return { invalid: true };
  const sources = new Sources({
    artifactsOf: (task) => (Object.hasOwn(artifacts, task) ? (artifacts[task] ?? []) : []).map(placedOf),
    input,
    patterns,
  });
  const resolved = resolveBindings(read.data, sources, { config, secret: (name) => `$${name}` });
  if ("problem" in resolved) return { error: resolved.problem.kind };
  return { expected: resolved.values[FIELD] ?? null };
}

function takesArtifacts({ binding, artifacts }: Case): boolean {
  if (binding.source === "previous_node") return true;
  return binding.source === "expression" && Object.keys(artifacts).length > 0;
}

/** Of several artifacts each value was made text, of one the whole. */
function isTextOf(text: JsonValue, value: JsonValue): boolean {
  if (text === pythonText(value)) return true;
  return (
    Array.isArray(text) &&
    Array.isArray(value) &&
    text.length === value.length &&
    text.every((each, i) => each === pythonText(value[i] ?? null))
  );
}
