/** What can be known of an expression without its values: all that is wrong, and what it refers to. */
import { cutAfter } from "../cut.ts";
import { CONFIG, type Expression, INPUT, isList, type PipeCall, type Reference } from "./expression.ts";
import { parseExpression, readText } from "./parse.ts";
import type { Pipe } from "./pipe.ts";
import { pipeOf, PIPES } from "./pipes.ts";
import type { ExpressionProblem } from "./problem.ts";

/**
 * Every problem: those of form first, then pipes that are not known or have the wrong number of arguments, both in the
 * order of the text. Without any, `parseExpression` succeeds, and `evaluate` fails by the values alone.
 */
export function problemsOfExpression(text: string): ExpressionProblem[] {
  const { problems, calls } = readText(text);
  return [...problems, ...calls.flatMap((call) => resolveCall(call).problem ?? [])];
}

/** The pipe that is called, or why it cannot be. */
export function resolveCall(
  call: PipeCall,
): { pipe: Pipe; problem?: never } | { pipe?: never; problem: ExpressionProblem } {
  const { name, args, offset } = call;
  const pipe = pipeOf(name);
  if (pipe === undefined) {
    const message = `unknown pipe '${cutAfter(name, 60)}': there are ${PIPE_NAMES}`;
    return { problem: { kind: "unknown_pipe", offset, message } };
  }
  const [min, max] = pipe.arity;
  if (args.length >= min && args.length <= max) return { pipe };
  const hint = max > 0 && args.length > max ? String.raw`: write \, for a comma in one` : "";
  const message = `${name} takes ${arityText(min, max)}, and has ${args.length}${hint}`;
  return { problem: { kind: "arity", offset, message } };
}

const PIPE_NAMES = Object.keys(PIPES).toSorted().join(", ");

function arityText(min: number, max: number): string {
  if (max === 0) return "no argument";
  if (min === 0) return `at most ${max === 1 ? "one argument" : `${max} arguments`}`;
  return min === max ? `${min} arguments` : `${min} to ${max} arguments`;
}

/** The keys of the run's input in a text, each once, in its order; none of one that cannot be read. */
export function inputsIn(text: string): readonly string[] {
  const parsed = parseExpression(text);
  return "expression" in parsed ? references(parsed.expression).input : [];
}

export interface References {
  /** Tasks, by what stands before the dot. */
  readonly nodes: readonly string[];
  /** Keys of the run's input. */
  readonly input: readonly string[];
  /** Keys of the task's own config. */
  readonly config: readonly string[];
}

/** Each once, in the order of the text. */
export function references(expression: Expression): References {
  const all = expression.parts.flatMap((part): readonly Reference[] => {
    if (typeof part === "string") return [];
    return isList(part.source) ? part.source.items : [part.source];
  });
  const keysOf = (namespace: string): string[] => [
    ...new Set(all.filter((each) => each.namespace === namespace).map(({ key }) => key)),
  ];
  const nodes = all.map(({ namespace }) => namespace).filter((name) => name !== INPUT && name !== CONFIG);
  return { nodes: [...new Set(nodes)], input: keysOf(INPUT), config: keysOf(CONFIG) };
}
