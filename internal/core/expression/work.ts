/** What one evaluation may still do. Pipes take their texts from it, so that none escapes the limits. */
import type { JsonValue } from "../json.ts";
import { isDeeperThan, isLargerThan, MAX_DEPTH } from "../size.ts";
import { textOf } from "../value-forms.ts";
import type { Allowance } from "./allowance.ts";
import { MAX_PATTERN, MAX_STEPS, MAX_TEXT, STEPS_FOR_EACH, STEPS_TO_COMPILE } from "./limits.ts";
import type { Pattern, Patterns } from "./patterns.ts";
import type { ProblemKind } from "./problem.ts";

/** Ends an evaluation; `evaluate` makes a problem of it. */
export class EvaluationFailure extends Error {
  readonly kind: ProblemKind;

  constructor(kind: ProblemKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

export class Work {
  readonly #patterns: Patterns;
  readonly #allowance: Allowance | undefined;
  #left = MAX_STEPS;

  constructor(patterns: Patterns, allowance?: Allowance) {
    this.#patterns = patterns;
    this.#allowance = allowance;
  }

  /** The text form of a value that a pipe reads. */
  text(value: JsonValue): string {
    if (typeof value !== "string") this.admit(value);
    const text = textOf(value);
    this.allow(text.length);
    this.goOver(text.length);
    return text;
  }

  /** A value that was put together, or read from JSON, can be written as JSON. */
  admit(value: JsonValue): void {
    if (isDeeperThan(value, MAX_DEPTH)) {
      throw new EvaluationFailure("value_too_deep", `more than ${MAX_DEPTH} lists and objects in each other`);
    }
    if (isLargerThan(value, MAX_TEXT)) this.allow(MAX_TEXT + 1);
  }

  /** To be asked before a text of this length is made. */
  allow(length: number): void {
    if (length <= MAX_TEXT) return;
    const message = `a text would have more than ${MAX_TEXT} characters: let a task make it`;
    throw new EvaluationFailure("value_too_long", message);
  }

  /** `undefined` for what is no pattern. */
  pattern(source: string): Pattern | undefined {
    if (source.length > MAX_PATTERN) {
      const message = `a pattern has at most ${MAX_PATTERN} characters, and this has ${source.length}`;
      throw new EvaluationFailure("pattern_too_long", message);
    }
    this.#spend(source.length * STEPS_TO_COMPILE);
    return this.#patterns(source);
  }

  /** The first match, or the empty text. */
  search({ size, find }: Pattern, text: string): string {
    this.#spend(size * (text.length + 1));
    return find(text) ?? "";
  }

  /** To be asked before so many characters or items are gone over. */
  goOver(count: number): void {
    this.#spend(count * STEPS_FOR_EACH);
  }

  #spend(steps: number): void {
    this.#left -= steps;
    if (this.#left >= 0) {
      const problem = this.#allowance?.spend(steps);
      if (problem !== undefined) throw new EvaluationFailure("too_much_work", problem);
      return;
    }
    const message = `more than ${MAX_STEPS} steps: use fewer pipes, a smaller pattern or a shorter text`;
    throw new EvaluationFailure("too_much_work", message);
  }
}
