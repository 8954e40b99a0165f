/** `defaults`: what counts for every task that does not say it itself. Resolved while a definition is read. */
import { problemOfEnv } from "./fields.ts";
import { MAX_SIZE, MIB } from "./file.ts";
import type { RawDefaults, RawDefinition, RawTask } from "./schema.ts";
import type { Complain } from "./to-dag.ts";

/** A task's own value comes before the default; `params` and `env` are put together, key by key. */
export function withDefaults(task: RawTask, defaults: RawDefaults | undefined, complain: Complain): RawTask {
  if (defaults === undefined) return task;
  const own = Object.entries(task).filter(([, value]) => value !== undefined);
  const params = together(defaults.params, task.params);
  const env = together(defaults.env, task.env);
  const merged = {
    ...defaults,
    // The name of a function says the type, too.
    ...(task.workflow_ref === undefined ? {} : { type: undefined }),
    ...Object.fromEntries(own),
    ...(params === undefined ? {} : { params }),
    ...(env === undefined ? {} : { env }),
  } as RawTask;
  const problem = task.env === undefined || env === undefined ? undefined : problemOfEnv(env);
  if (problem !== undefined) complain("env", `together with the defaults' it ${problem}`);
  return merged;
}

/** Both as they are where the other is missing: what many tasks share is not copied. */
function together<T extends object>(defaults: T | undefined, own: T | undefined): T | undefined {
  return defaults === undefined || own === undefined ? (own ?? defaults) : { ...defaults, ...own };
}

/** A definition is stored with every task's own copy. */
export function problemOfSize({ defaults, tasks }: RawDefinition): string | undefined {
  if (defaults?.params === undefined && defaults?.env === undefined) return undefined;
  const size = JSON.stringify([defaults.params, defaults.env]).length * tasks.length;
  if (size <= MAX_SIZE) return undefined;
  const [is, most] = [size, MAX_SIZE].map((bytes) => Math.round(bytes / MIB));
  return `with params and env in each of ${tasks.length} tasks the definition has ${is} MiB; at most ${most} are allowed. What all tasks share can be the DAG's params`;
}
