import type { TaskExecutor } from "../ports/task-executor.ts";

/** What this process can run, by task type. */
export class TaskExecutorRegistry {
  readonly #executors = new Map<string, TaskExecutor>();

  constructor(executors: readonly TaskExecutor[] = []) {
    for (const executor of executors) this.register(executor);
  }

  /** Adds an executor, or replaces the one of the same type. */
  register(executor: TaskExecutor): void {
    this.#executors.set(executor.type, executor);
  }

  get(type: string): TaskExecutor | undefined {
    return this.#executors.get(type);
  }

  types(): readonly string[] {
    return [...this.#executors.keys()];
  }
}
