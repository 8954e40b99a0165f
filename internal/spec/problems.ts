/** Problems of a definition, told to a person. */
import { distance } from "fastest-levenshtein";
import { shown } from "../core/shown.ts";

export interface DefinitionProblem {
  readonly file?: string;
  /** From 1; absent for a definition that is no text. */
  readonly line?: number;
  readonly column?: number;
  /** Whom it is about, for a definition that is no text: `DAG 'etl', task 'load'`. Told instead of the path. */
  readonly subject?: string;
  /** Into the definition: `tasks[3].depends_on[0]`. */
  readonly path: string;
  readonly message: string;
}

/** Nobody reads more of them. */
const MAX_LINES = 100;

/** The definition cannot be used. The message has a line for each problem (the first 100): `file:line:column: what is wrong`. */
export class DefinitionError extends Error {
  readonly code = "BAD_DEFINITION";
  readonly problems: readonly DefinitionProblem[];

  constructor(problems: readonly DefinitionProblem[]) {
    const lines = problems.slice(0, MAX_LINES).map(formatProblem);
    if (problems.length > MAX_LINES) lines.push(`and ${problems.length - MAX_LINES} more problems`);
    super(lines.join("\n"));
    this.name = "DefinitionError";
    this.problems = problems;
  }
}

function formatProblem({ file, line, column, subject, path, message }: DefinitionProblem): string {
  if (line === undefined)
    return [file, subject ?? path, message].filter((part) => part !== undefined && part !== "").join(": ");
  return `${file ?? "definition"}:${line}:${column ?? 1}: ${message}`;
}

/** `what` says what the name should have been the name of. */
export function unknownField(name: string, allowed: readonly string[], what = "field"): string {
  if (allowed.length === 0) return `unknown ${what} ${shown(name)}: none is allowed here`;
  const near = nearest(name, allowed);
  const hint = near === undefined ? "." : `; did you mean '${near}'?`;
  return `unknown ${what} ${shown(name)}${hint} Allowed here: ${allowed.join(", ")}`;
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
