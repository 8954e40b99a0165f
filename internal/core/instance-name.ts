/** How an instance of a task is called, wherever a person reads it or names it. */
import type { AttemptId } from "./attempt.ts";

/** `load`; of a task with several instances `load[3]`. */
export function instanceName(
  { task, index }: Pick<AttemptId, "task" | "index">,
  { isOneOfSeveral }: { readonly isOneOfSeveral: boolean },
): string {
  return isOneOfSeveral || index > 0 ? `${task}[${index}]` : task;
}

/** Reads what `instanceName` gives; a task's name stands for all of its instances. */
export function readInstanceName(text: string): { readonly task: string; readonly index?: number } {
  const found = /^(.*)\[(\d{1,9})\]$/s.exec(text);
  return found === null ? { task: text } : { task: found[1] ?? "", index: Number(found[2]) };
}
