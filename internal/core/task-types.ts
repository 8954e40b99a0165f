/** The task types that definitions may name, and what they are called inside. */
import { DEFAULT_QUEUE } from "./model.ts";

const ALIASES: Readonly<Record<string, string>> = {
  bash: "bash",
  shell: "bash",
  http: "http",
  rest: "http",
  function: "function",
  go: "function",
  golang: "function",
  docker: "docker",
  python: "docker",
  py: "docker",
};

/** Types that not every worker has, and the queue of those that do. */
const QUEUES: Readonly<Record<string, string>> = { docker: "docker" };

/** The queue of tasks of this type that name none. */
export function defaultQueueOf(type: string): string {
  return Object.hasOwn(QUEUES, type) ? (QUEUES[type] ?? DEFAULT_QUEUE) : DEFAULT_QUEUE;
}

/** Every name that a definition may use without a plug-in. */
export const TASK_TYPE_NAMES: readonly string[] = Object.keys(ALIASES);

/** The name that is used inside; `undefined` for a type that is not built in. */
export function canonicalType(name: string): string | undefined {
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}
