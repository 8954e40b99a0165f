/** Tasks of type `function`: functions of this process, by name. */
import type { FailureReason } from "../core/outcome.ts";
import type {
  TaskCall,
  TaskContext,
  TaskExecutor,
  TaskFunction,
  TaskReturn,
} from "../ports/task-executor.ts";
import { builtIns } from "./built-ins.ts";
import { NotSerialisable, toOutput } from "./json-output.ts";

export class FunctionTaskExecutor implements TaskExecutor {
  readonly type = "function";
  readonly #functions = new Map<string, TaskFunction>(Object.entries(builtIns));

  /** Adds a function under a name that tasks use as their command. A name that is taken is an error. */
  register(name: string, fn: TaskFunction): void {
    if (this.#functions.has(name)) {
      throw new Error(`a function named '${name}' is registered already: choose another name`);
    }
    this.#functions.set(name, fn);
  }

  /** The names it knows, sorted. */
  names(): readonly string[] {
    return [...this.#functions.keys()].toSorted();
  }

  async execute(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    const fn = this.#functions.get(call.command);
    if (fn === undefined) {
      const known = this.names().join(", ");
      return failure("unknown-function", `function '${call.command}' is not known here; known: ${known}`);
    }
    const { runId, task, index, attempt, dagName, tenantId } = call;
    const identity = { runId, task, index, attempt, dagName, tenantId };
    let value: unknown;
    try {
      value = await fn(call.params, { signal: context.signal, identity, log: (line) => context.log(line) });
    } catch (error) {
      if (error instanceof Error && error.stack !== undefined) context.log(ownFrames(error.stack));
      return failure("function-error", describe(error));
    }
    return answer(value);
  }
}

function answer(value: unknown): TaskReturn {
  try {
    return { ok: true, output: toOutput(value) };
  } catch (error) {
    if (error instanceof NotSerialisable) return failure("output-not-serialisable", error.message);
    return failure("output-not-serialisable", `output cannot be read: ${describe(error)}`);
  }
}

/** Without the frames that called the function. */
function ownFrames(stack: string): string {
  return stack.replace(/\n\s+at (?:async )?FunctionTaskExecutor\.execute [\s\S]*/, "");
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  return `${error.name}: ${error.message.split("\n")[0] ?? ""}`;
}

function failure(
  reason: FailureReason,
  message: string,
): { ok: false; error: { reason: FailureReason; message: string } } {
  return { ok: false, error: { reason, message } };
}
