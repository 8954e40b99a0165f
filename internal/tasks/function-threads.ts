/**
 * The functions of a module, each call on a thread of its own: as many threads as calls run at a time, for each limit
 * of memory that functions have.
 */
import type { TaskCall, TaskContext, TaskReturn } from "../ports/task-executor.ts";
import { type FunctionName, FunctionThread, type ThreadOptions } from "./function-thread.ts";

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
  /** The limit of each function in MiB, by name. */
  readonly #limits: ReadonlyMap<string, number>;
  /** By limit. The one that was used last is used next: what is too many ends for want of work. */
  readonly #idle: Map<number, FunctionThread[]>;
  readonly #all: FunctionThread[];

  private constructor(options: ThreadOptions, functions: readonly FunctionName[], first: FunctionThread) {
    this.#options = options;
    this.#limits = new Map(functions.map(({ name, memoryMb = options.memoryMb }) => [name, memoryMb]));
    this.#idle = new Map([[options.memoryMb, [first]]]);
    this.#all = [first];
  }

  /** The names of the module's functions. */
  get names(): readonly string[] {
    return [...this.#limits.keys()];
  }

  /** Rejects with `FunctionsNotLoaded` when the file is missing, does not load, or exports no function or two of one name. */
  static async load(options: ThreadOptions): Promise<FunctionThreads> {
    const first = new FunctionThread(options);
    const functions = await first.names();
    if (typeof functions !== "string") return new FunctionThreads(options, functions, first);
    await first.close();
    throw new FunctionsNotLoaded(options.file, functions);
  }

  /** Runs one attempt of a task whose command is one of the names. */
  async run(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    const idle = this.#idleOf(this.#limits.get(call.command) ?? this.#options.memoryMb);
    const thread = idle.threads.pop() ?? this.#add(idle.memoryMb);
    try {
      return await thread.run(call, context);
    } finally {
      idle.threads.push(thread);
    }
  }

  /** Ends all threads, and what runs on them. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((thread) => thread.close()));
  }

  #idleOf(memoryMb: number): { readonly memoryMb: number; readonly threads: FunctionThread[] } {
    const threads = this.#idle.get(memoryMb) ?? [];
    this.#idle.set(memoryMb, threads);
    return { memoryMb, threads };
  }

  #add(memoryMb: number): FunctionThread {
    const thread = new FunctionThread({ ...this.#options, memoryMb });
    this.#all.push(thread);
    return thread;
  }
}
