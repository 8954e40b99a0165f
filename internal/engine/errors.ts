/** What the engine refuses, and why. */
import type { FormField } from "../core/input-form.ts";
import { formatPath } from "../core/shown.ts";

/** What is wrong with a pipeline, and where in it: `["nodes", 2, "dependsOn", 0]`. */
export interface PipelineProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Nobody reads more of them. */
const MAX_LINES = 100;

/** A pipeline that cannot be run; `problems` are all there are. The message has a line for each of the first 100. */
export class PipelineError extends Error {
  readonly code = "BAD_PIPELINE";
  readonly problems: readonly PipelineProblem[];

  constructor(problems: readonly PipelineProblem[]) {
    const lines = problems
      .slice(0, MAX_LINES)
      .map(({ path, message }) => [formatPath(path), message].filter((part) => part !== "").join(": "));
    if (problems.length > MAX_LINES) lines.push(`and ${problems.length - MAX_LINES} more problems`);
    super(lines.join("\n"));
    this.name = "PipelineError";
    this.problems = problems;
  }
}

/** A run was started without something that its pipeline requires; all of it is told at once. */
export class MissingInput extends Error {
  readonly code = "MISSING_INPUT";
  readonly missing: readonly Pick<FormField, "name" | "label">[];

  constructor(missing: readonly FormField[]) {
    const all = missing.map(({ name, label }) => (name === label ? name : `${label} (${name})`));
    super(`the pipeline needs input that was not given: ${all.join(", ")}`);
    this.name = "MissingInput";
    this.missing = missing.map(({ name, label }) => ({ name, label }));
  }
}

/**
 * BAD_INPUT: what was given to the engine cannot be used. UNKNOWN_RUN, UNKNOWN_TASK: it was never started, or never
 * dispatched. BAD_BINDING: a field of a task's input cannot be filled in. BAD_STORE: the store does not do what it has to.
 */
export type EngineErrorCode = "BAD_INPUT" | "UNKNOWN_RUN" | "UNKNOWN_TASK" | "BAD_BINDING" | "BAD_STORE";

export class EngineError extends Error {
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string) {
    super(message);
    this.name = "EngineError";
    this.code = code;
  }
}

export function badInput(message: string): EngineError {
  return new EngineError("BAD_INPUT", message);
}
