/** The functions of a module, each call on a thread of its own: as many threads as calls run at a time. */
import type { TaskCall, TaskContext, TaskReturn } from "../ports/task-executor.ts";
import { FunctionThread, type ThreadOptions } from "./function-thread.ts";

/** The module of functions cannot be used; the message says why. */
export class FunctionsNotLoaded extends Error {
  readonly code = "FUNCTIONS_NOT_LOADED";
  constructor(file: string, why: string) {
    super(`functions file '${file}': ${why}`);
    this.name = "FunctionsNotLoaded";
  }
}

export class FunctionThreads {
  readonly #options: ThreadOptions;
  /** The names of the module's functions. */
  readonly names: readonly string[];
  /** The one that was used last is used next: what is too many ends for want of work. */
  readonly #idle: FunctionThread[];
  readonly #all: FunctionThread[];

  private constructor(options: ThreadOptions, names: readonly string[], first: FunctionThread) {
    this.#options = options;
    this.names = names;
    this.#idle = [first];
    this.#all = [first];
  }

  /** Rejects with `FunctionsNotLoaded` when the file is missing, cannot be loaded, or exports no function. */
  static async load(options: ThreadOptions): Promise<FunctionThreads> {
    const first = new FunctionThread(options);
    const names = await first.names();
    if (typeof names !== "string") return new FunctionThreads(options, names, first);
    await first.close();
    throw new FunctionsNotLoaded(options.file, names);
  }

  /** Runs one attempt of a task whose command is one of the names. */
  async run(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    const thread = this.#idle.pop() ?? this.#add();
    try {
      return await thread.run(call, context);
    } finally {
      this.#idle.push(thread);
    }
  }

  /** Ends all threads, and what runs on them. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((thread) => thread.close()));
  }

  #add(): FunctionThread {
    const thread = new FunctionThread(this.#options);
    this.#all.push(thread);
    return thread;
  }
}
