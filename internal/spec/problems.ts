/** Problems of a definition, told to a person. */
import { distance } from "fastest-levenshtein";

export interface DefinitionProblem {
  readonly file?: string;
  /** From 1; absent for a definition that is no text. */
  readonly line?: number;
  readonly column?: number;
  /** Into the definition: `tasks[3].depends_on[0]`. */
  readonly path: string;
  readonly message: string;
}

/** The definition cannot be used. The message has a line for each problem: `file:line:column: what is wrong`. */
export class DefinitionError extends Error {
  readonly code = "BAD_DEFINITION";
  readonly problems: readonly DefinitionProblem[];

  constructor(problems: readonly DefinitionProblem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "DefinitionError";
    this.problems = problems;
  }
}

export function formatProblem({ file, line, column, path, message }: DefinitionProblem): string {
  if (line === undefined)
    return [file, path, message].filter((part) => part !== undefined && part !== "").join(": ");
  return `${file ?? "definition"}:${line}:${column ?? 1}: ${message}`;
}

export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${String(part)}`))
    .join("");
}

/** A name is near when it takes few changes for its length. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.floor((name.length + 1) / 3);
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > limit) continue;
    const changes = distance(name.toLowerCase(), candidate.toLowerCase());
    if (changes < bestDistance) [best, bestDistance] = [candidate, changes];
  }
  return best;
}

/** A value as it may stand in a message. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? `'${value}'` : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
