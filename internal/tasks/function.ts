/** Tasks of type `function`: functions by name, inline in this process or on threads. */
import type {
  TaskCall,
  TaskContext,
  TaskExecutor,
  TaskFunction,
  TaskReturn,
} from "../ports/task-executor.ts";
import { builtIns } from "./built-ins.ts";
import { isDefined } from "./define-function.mjs";
import type { DefinedFunction } from "./defined-function.ts";
import { callFunction, failure, functionContext } from "./function-call.mjs";
import { identityOf } from "./function-identity.ts";
import { folderOf } from "./function-folder.ts";
import type { FunctionThreads } from "./function-threads.ts";

export class FunctionTaskExecutor implements TaskExecutor {
  readonly type = "function";
  readonly #functions = new Map<string, TaskExecutor["execute"]>();

  constructor() {
    for (const [name, fn] of Object.entries(builtIns)) this.register(name, fn);
  }

  /**
   * Adds a function under a name that tasks use as their command; it runs inline. A name that is taken is an error, and
   * so is a limit of memory: only a thread can have one.
   */
  register(name: string, fn: TaskFunction | DefinedFunction): void {
    const defined = isDefined(fn) ? fn : { name, handler: fn };
    if (defined.memoryMb !== undefined) {
      const where = "here, where it has no memory of its own; export it from a module of functions";
      throw new Error(`function '${name}' cannot be held to its memoryMb ${where}, or leave memoryMb out`);
    }
    this.#add(name, (call, context) => {
      const { signal, deadline } = context;
      const log = (line: string): void => context.log(line);
      const folder = folderOf(context);
      const own = functionContext({ signal, deadline, identity: identityOf(call), log, folder });
      return callFunction(defined, call.params, own);
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
