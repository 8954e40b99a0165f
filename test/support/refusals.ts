/** What is said of definitions that are refused. */
import { DefinitionError } from "../../cmd/library/jetdag.ts";

/** What is wrong with a task or a DAG that is refused; nothing when it is taken. */
export function problemsOf(act: () => unknown): DefinitionError["problems"] {
  try {
    act();
  } catch (error) {
    if (error instanceof DefinitionError) return error.problems;
    throw error;
  }
  return [];
}

/** The same as a person reads it. */
export function refusal(act: () => unknown): string[] {
  const problems = problemsOf(act);
  return problems.length === 0 ? [] : new DefinitionError(problems).message.split("\n");
}
