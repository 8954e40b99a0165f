/** Task executors that a module exports: further types of tasks for a worker. They run in its process, on its loop. */
import { canonicalType, problemOfType } from "../core/task-types.ts";
import type { TaskExecutor } from "../ports/task-executor.ts";
import { importModule } from "./import-module.mjs";
import { LOAD_LIMIT_MS } from "./load-limit.ts";

/** The module of plug-ins cannot be used; the message says why. */
export class PluginsNotLoaded extends Error {
  readonly code = "PLUGINS_NOT_LOADED";
  constructor(file: string, why: string) {
    super(`plug-ins file '${file}': ${why}`);
    this.name = "PluginsNotLoaded";
  }
}

const EXAMPLE = 'export const sensor = { type: "sensor", async execute(call, context) {…} }';

/** Rejects with `PluginsNotLoaded` when the file is missing, does not load, or exports no task executor or one that cannot be. */
export async function loadPlugins(file: string): Promise<readonly TaskExecutor[]> {
  const exported = await inTime(importModule(file));
  if (typeof exported === "string") throw new PluginsNotLoaded(file, exported);
  const found = new Map<string, { readonly by: string; readonly executor: TaskExecutor }>();
  for (const [by, executor] of Object.entries(exported)) {
    if (!isExecutor(executor)) continue;
    const wrong = problemOf(executor, found.get(executor.type));
    if (wrong !== undefined) throw new PluginsNotLoaded(file, `its export ${by}: ${wrong}`);
    found.set(executor.type, { by, executor });
  }
  if (found.size > 0) return [...found.values()].map(({ executor }) => executor);
  throw new PluginsNotLoaded(file, `it exports no task executor; write \`${EXAMPLE}\``);
}

function isExecutor(value: unknown): value is TaskExecutor {
  return typeof (value as Partial<TaskExecutor> | null | undefined)?.execute === "function";
}

function problemOf(
  executor: TaskExecutor,
  known: { readonly by: string; readonly executor: TaskExecutor } | undefined,
): string | undefined {
  const { type } = executor;
  const wrong = problemOfType(type);
  if (wrong !== undefined) return wrong;
  if (canonicalType(type) !== undefined) return `type: '${type}' is built in`;
  if (known === undefined || known.executor === executor) return undefined;
  return `type: '${type}' is that of its export ${known.by} too`;
}

/** A module that waits for something at its top level may never be there. */
async function inTime<T>(loading: Promise<T>): Promise<T | string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it had not loaded after ${LOAD_LIMIT_MS / 1_000} s`), LOAD_LIMIT_MS);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}
