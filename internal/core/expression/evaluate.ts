/** The value of an expression. */
import type { JsonValue } from "../json.ts";
import type { Allowance } from "./allowance.ts";
import { resolveCall } from "./check.ts";
import {
  CONFIG,
  type Expression,
  INPUT,
  isList,
  type List,
  type Part,
  type PipeCall,
  type Placeholder,
  type Reference,
} from "./expression.ts";
import { joined, SEPARATOR } from "./list-pipes.ts";
import type { Patterns } from "./patterns.ts";
import type { ExpressionProblem } from "./problem.ts";
import { EvaluationFailure, Work } from "./work.ts";

/** Where values come from; `undefined` and null both say that there is none. */
export interface EvaluationContext {
  readonly input: (key: string) => JsonValue | undefined;
  readonly config: (key: string) => JsonValue | undefined;
  readonly nodes: (node: string, key: string) => JsonValue | undefined;
  readonly patterns: Patterns;
  /** Of all evaluations that belong together. Default: this one stands by itself. */
  readonly allowance?: Allowance;
}

export type Evaluated = { readonly value: JsonValue } | { readonly problem: ExpressionProblem };

/**
 * One reference or `list()` with nothing around it gives its value as it is. All else gives text, in which null is
 * empty and the items of a `list()` are joined by `, `; a text that comes out empty is null.
 */
export function evaluate(expression: Expression, context: EvaluationContext): Evaluated {
  const evaluation = new Evaluation(context);
  try {
    return { value: evaluation.run(expression.parts) };
  } catch (error) {
    if (!(error instanceof EvaluationFailure)) throw error;
    return { problem: { kind: error.kind, offset: evaluation.offset, message: error.message } };
  }
}

class Evaluation {
  readonly #context: EvaluationContext;
  readonly #work: Work;
  /** Of the placeholder or pipe that is at work. */
  offset = 0;

  constructor(context: EvaluationContext) {
    this.#context = context;
    this.#work = new Work(context.patterns, context.allowance);
  }

  run(parts: readonly Part[]): JsonValue {
    const [first, second] = parts;
    if (typeof first === "object" && second === undefined) return this.#value(first);
    let text = "";
    for (const part of parts) {
      const more = typeof part === "string" ? part : this.#text(part);
      this.#work.allow(text.length + more.length);
      text += more;
    }
    return text === "" ? null : text;
  }

  #text(part: Placeholder): string {
    const value = this.#value(part);
    return isList(part.source) ? joined(value, SEPARATOR, this.#work) : this.#work.text(value);
  }

  #value({ source, calls, offset }: Placeholder): JsonValue {
    this.offset = offset;
    let value = isList(source) ? this.#list(source) : this.#lookUp(source);
    for (const call of calls) value = this.#apply(call, value);
    return value;
  }

  #lookUp({ namespace, key }: Reference): JsonValue {
    const { input, config, nodes } = this.#context;
    if (namespace === INPUT) return input(key) ?? null;
    if (namespace === CONFIG) return config(key) ?? null;
    return nodes(namespace, key) ?? null;
  }

  /** A value may be named in it many times, and so become many times as large. */
  #list({ items }: List): JsonValue[] {
    const list = items.map((item) => this.#lookUp(item));
    this.#work.admit(list);
    return list;
  }

  #apply(call: PipeCall, value: JsonValue): JsonValue {
    this.offset = call.offset;
    const { pipe, problem } = resolveCall(call);
    if (problem !== undefined) throw new EvaluationFailure(problem.kind, problem.message);
    return pipe.apply(value ?? "", call.args, this.#work);
  }
}
