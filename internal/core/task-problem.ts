/** What is wrong with what a task runs, and where. */

export interface TaskProblem {
  /** The option of its type that it is about; absent: its command. */
  readonly option?: string;
  readonly message: string;
}

export type ReadTask<T> = { readonly made: T } | { readonly problems: readonly TaskProblem[] };

/** One line, for who does not see the definition. */
function taskProblemText({ option, message }: TaskProblem): string {
  return `${option === undefined ? "command" : `with.${option}`}: ${message}`;
}

/** What was made, or the first problem as a line. */
export function madeOrProblem<T extends object>(read: ReadTask<T>): T | string {
  if ("made" in read) return read.made;
  return read.problems.slice(0, 1).map(taskProblemText).join("");
}
