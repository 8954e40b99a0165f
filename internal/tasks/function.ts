/** Tasks of type `function`: functions by name, inline in this process or on threads. */
import type {
  TaskCall,
  TaskContext,
  TaskExecutor,
  TaskFunction,
  TaskReturn,
} from "../ports/task-executor.ts";
import { builtIns } from "./built-ins.ts";
import { callFunction, failure, identityOf } from "./function-call.mjs";
import type { FunctionThreads } from "./function-threads.ts";

export class FunctionTaskExecutor implements TaskExecutor {
  readonly type = "function";
  readonly #functions = new Map<string, TaskExecutor["execute"]>();

  constructor() {
    for (const [name, fn] of Object.entries(builtIns)) this.register(name, fn);
  }

  /** Adds a function under a name that tasks use as their command; it runs inline. A name that is taken is an error. */
  register(name: string, fn: TaskFunction): void {
    this.#add(name, (call, context) => {
      const { signal } = context;
      const log = (line: string): void => context.log(line);
      return callFunction(fn, call.params, { signal, identity: identityOf(call), log });
    });
  }

  /** Adds the functions of a module, which run on threads. */
  registerThreads(threads: FunctionThreads): void {
    for (const name of threads.names) this.#add(name, (call, context) => threads.run(call, context));
  }

  /** The names it knows, sorted. */
  names(): readonly string[] {
    return [...this.#functions.keys()].toSorted();
  }

  async execute(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    const run = this.#functions.get(call.command);
    if (run !== undefined) return run(call, context);
    const known = this.names().join(", ");
    return failure("unknown-function", `function '${call.command}' is not known here; known: ${known}`);
  }

  #add(name: string, run: TaskExecutor["execute"]): void {
    if (this.#functions.has(name)) {
      throw new Error(`a function named '${name}' is registered already: choose another name`);
    }
    this.#functions.set(name, run);
  }
}
