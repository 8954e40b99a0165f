/** Reads the text of an expression: what stands in braces, and the text around it with its escapes. */
import type { Expression, Part } from "./expression.ts";
import { MAX_EXPRESSION } from "./limits.ts";
import { type Reading, readPlaceholder } from "./placeholder.ts";
import type { ExpressionProblem } from "./problem.ts";

export type Parsed =
  { readonly expression: Expression } | { readonly problems: readonly ExpressionProblem[] };

/** The expression, or all that is wrong with its form, in the order of the text. Pipes are not looked up. */
export function parseExpression(text: string): Parsed {
  const { parts, problems } = readText(text);
  return problems.length === 0 ? { expression: { parts } } : { problems };
}

/** An escaped brace, a placeholder, a brace that is neither, or plain text. */
const TOKEN = /\\(?<escaped>[{}])|\{(?<inner>[^{}]*)\}|(?<brace>[{}])|(?<plain>[^\\{}]+|\\)/g;

/** What could be read, also of a text that has problems. */
export function readText(text: string): Reading {
  const reading: Reading = { parts: [], calls: [], problems: [] };
  if (text.length > MAX_EXPRESSION) {
    const message = `an expression has at most ${MAX_EXPRESSION} characters, and this has ${text.length}`;
    reading.problems.push({ kind: "too_long", offset: MAX_EXPRESSION, message });
    return reading;
  }
  const braces = new StrayBraces(text, reading.problems);
  for (const { groups = {}, index } of text.matchAll(TOKEN)) {
    const { escaped, inner, brace, plain } = groups;
    if (brace !== undefined) braces.found(brace, index);
    else if (inner === undefined) addText(reading.parts, escaped ?? plain ?? "");
    else if (!braces.areOpen) readPlaceholder({ inner, offset: index }, reading);
  }
  return reading;
}

function addText(parts: Part[], text: string): void {
  const last = parts.at(-1);
  if (typeof last === "string") parts[parts.length - 1] = last + text;
  else parts.push(text);
}

/**
 * Braces that are in no pair. What follows one that is open belongs to it, up to where it would end, and is not looked
 * at: one mistake is told once.
 */
class StrayBraces {
  readonly #text: string;
  readonly #problems: ExpressionProblem[];
  #open = 0;

  constructor(text: string, problems: ExpressionProblem[]) {
    this.#text = text;
    this.#problems = problems;
  }

  get areOpen(): boolean {
    return this.#open > 0;
  }

  found(brace: string, offset: number): void {
    if (!this.areOpen) this.#problems.push(brace === "{" ? this.#unclosed(offset) : unexpected(offset));
    if (brace === "{") this.#open++;
    else if (this.areOpen) this.#open--;
  }

  #unclosed(offset: number): ExpressionProblem {
    const next = this.#text.indexOf("{", offset + 1);
    if (next === -1) {
      const message = String.raw`'{' is never closed: write \{ for a brace in text`;
      return { kind: "unclosed_brace", offset, message };
    }
    const message = String.raw`'{' cannot stand within braces: write \{ for a brace in text; patterns have no counts, so write \d\d for two digits`;
    return { kind: "nested_brace", offset: next, message };
  }
}

function unexpected(offset: number): ExpressionProblem {
  const message = String.raw`'}' closes nothing: write \} for a brace in text`;
  return { kind: "unexpected_close_brace", offset, message };
}
