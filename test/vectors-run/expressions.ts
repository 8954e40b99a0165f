/** Expressions: what they evaluate to, what the check says of them, and what they refer to. */
import { problemsOfExpression, type References, references } from "../../internal/core/expression/check.ts";
import { evaluate, type EvaluationContext } from "../../internal/core/expression/evaluate.ts";
import { parseExpression } from "../../internal/core/expression/parse.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";
import { differences, type Vector, type VectorRunner } from "./vector.ts";

const patterns = linearPatterns();

export const expressions: VectorRunner = {
  file: "expressions.json",
  run: (vector) => {
    const { expression, context } = vector as Vector & Case;
    const { id: _id, tags: _tags, expression: _text, context: _context, note: _note, ...wanted } = vector;
    return differences(sorted(outcome(expression, contextOf(context))), sorted(wanted));
  },
};

interface Case {
  readonly expression: string;
  readonly context: {
    readonly nodes: Readonly<Record<string, JsonObject>>;
    readonly input: JsonObject;
    readonly config: JsonObject;
  };
}

function contextOf({ nodes, input, config }: Case["context"]): EvaluationContext {
  const from = (values: JsonObject) => (key: string) =>
    Object.hasOwn(values, key) ? values[key] : undefined;
  return {
    input: from(input),
    config: from(config),
    nodes: (node, key) => (Object.hasOwn(nodes, node) ? from(nodes[node] ?? {})(key) : undefined),
    patterns,
  };
}

/** In the fields of a case. */
function outcome(text: string, context: EvaluationContext): Record<string, unknown> {
  const validate = problemsOfExpression(text)[0]?.kind ?? null;
  const parsed = parseExpression(text);
  if ("problems" in parsed) {
    const kind = parsed.problems[0]?.kind;
    return { error: kind, validate, refs_error: kind };
  }
  const evaluated = evaluate(parsed.expression, context);
  const result = "problem" in evaluated ? { error: evaluated.problem.kind } : { expected: evaluated.value };
  return { ...result, validate, refs: references(parsed.expression) };
}

/** The cases name references in no certain order. */
function sorted(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const refs = fields.refs as References | undefined;
  if (refs === undefined) return fields;
  const byText = (a: string, b: string): number => a.localeCompare(b);
  return { ...fields, refs: { nodes: refs.nodes.toSorted(byText), input: refs.input.toSorted(byText) } };
}
