/** Knows which attempts run in this process, also those whose end nobody waits for any more. */
import { attemptKey } from "../internal/core/attempt.ts";
import type { TaskCall, TaskExecutor } from "../internal/ports/task-executor.ts";
import type { WorkerOptions } from "../internal/worker/worker.ts";

export type TaskExecutors = WorkerOptions["registry"];

export class RunningCalls {
  readonly #calls = new Set<TaskCall>();

  /** How many attempts run. */
  get count(): number {
    return this.#calls.size;
  }

  /** The keys of the attempts that run. */
  keys(): string[] {
    return [...this.#calls].map((call) => attemptKey(call));
  }

  /** The same executors; what they run is known here. */
  watching(executors: TaskExecutors): TaskExecutors {
    return {
      types: () => executors.types(),
      get: (type) => {
        const executor = executors.get(type);
        return executor === undefined ? undefined : this.#watched(executor);
      },
    };
  }

  #watched(executor: TaskExecutor): TaskExecutor {
    const watched: Every<TaskExecutor> = {
      type: executor.type,
      seesFiles: executor.seesFiles,
      execute: async (call, context) => {
        this.#calls.add(call);
        try {
          return await executor.execute(call, context);
        } finally {
          this.#calls.delete(call);
        }
      },
    };
    const { seesFiles, ...rest } = watched;
    return seesFiles === undefined ? rest : { ...rest, seesFiles };
  }
}

/** What is not said of it here would be lost on the way. */
type Every<T> = { readonly [K in keyof Required<T>]: T[K] };
