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

/** Types that not every worker has, the queue of those that do, and what such a worker is started with. */
const ON_REQUEST = [{ type: "docker", queue: "docker", flag: "--docker" }] as const;

/** The queue of tasks of this type that name none. */
export function defaultQueueOf(type: string): string {
  return ON_REQUEST.find((each) => each.type === type)?.queue ?? DEFAULT_QUEUE;
}

/** What a worker has to be started with to have this type; nothing for those that every worker has. */
export function flagOfType(type: string): string | undefined {
  return ON_REQUEST.find((each) => each.type === type)?.flag;
}

/** What a worker has to be started with to serve this queue. */
export function flagOfQueue(queue: string): string {
  return ON_REQUEST.find((each) => each.queue === queue)?.flag ?? `--queues ${queue}`;
}

/** Every name that a definition may use without a plug-in. */
export const TASK_TYPE_NAMES: readonly string[] = Object.keys(ALIASES);

/** The name that is used inside; `undefined` for a type that is not built in. */
export function canonicalType(name: string): string | undefined {
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}
