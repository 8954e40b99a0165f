/**
 * One thread that runs the functions of a module, one call at a time.
 *
 * The pool starts the thread for the first call, keeps it warm for a while, and has a fresh one take the place of one
 * that died or was ended. It is a pool of one, so that it is known on which thread a call runs: it is told there that it
 * must end, and what it logs comes from there.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { JsonObject } from "../core/json.ts";
import type { TaskError } from "../core/outcome.ts";
import type { Observer } from "../ports/observer.ts";
import type { FunctionContext, TaskCall, TaskContext, TaskReturn } from "../ports/task-executor.ts";
import { describe, failure, identityOf } from "./function-call.mjs";

export interface ThreadOptions {
  /** Path of the module. */
  readonly file: string;
  /** How much heap the thread may use, in MiB. */
  readonly memoryMb: number;
  readonly observer: Observer;
}

/** A call, as it goes to the thread. */
export interface ThreadCall {
  /** Counts the calls of this thread's place. */
  readonly id: number;
  /** Of the function. */
  readonly name: string;
  readonly params: JsonObject;
  readonly identity: FunctionContext["identity"];
}

/** That a call must end, as it goes to the thread; the reason is that of its signal. */
export interface ThreadStop {
  readonly id: number;
  readonly reason: unknown;
}

/** What a call logs, as it comes from the thread. */
interface ThreadLine {
  readonly id: number;
  readonly line: string;
}

const INSIDE = new URL("./inside-thread.mjs", import.meta.url).href;
/** A thread that had nothing to do for so long is ended. */
const IDLE_MS = 60_000;
/** A timer that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class FunctionThread {
  readonly #options: ThreadOptions;
  readonly #pool: Piscina;
  #port: MessagePort | undefined;
  #lastId = 0;
  #running: { readonly id: number; readonly context: TaskContext } | undefined;

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#pool = new Piscina({
      filename: INSIDE,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: IDLE_MS,
      // With it a thread would stand still between calls, and with it what a module keeps going, such as connections.
      atomics: "disabled",
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
      workerData: { file: options.file },
    });
    this.#pool.on("message", ({ port }: { port: MessagePort }) => this.#listen(port));
    this.#pool.on("error", (error: Error) => this.#tell(error));
  }

  /** The names of the module's functions, or why it cannot be used. */
  async names(): Promise<readonly string[] | string> {
    try {
      return (await this.#pool.run(undefined, { name: "names" })) as readonly string[] | string;
    } catch (error) {
      return `it cannot be loaded: ${this.#death(error as Error, { log: () => undefined }).message}`;
    }
  }

  /** Runs one call to its end. When its signal is aborted the function hears of it; after the grace period its thread is ended. */
  async run(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    const { signal, graceMs } = context;
    if (signal.aborted) return failure("cancelled", "ended before it began");
    const id = ++this.#lastId;
    const ending = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      this.#stop(id, signal);
      timer = setTimeout(() => ending.abort(), Math.min(graceMs, LONGEST_TIMER_MS));
    };
    signal.addEventListener("abort", stop, { once: true });
    this.#running = { id, context };
    try {
      const { command: name, params } = call;
      const threadCall: ThreadCall = { id, name, params, identity: identityOf(call) };
      const answer: unknown = await this.#pool.run(threadCall, { name: "call", signal: ending.signal });
      return JSON.parse(answer as string) as TaskReturn;
    } catch (error) {
      if (ending.signal.aborted) return failure("cancelled", "ended with its thread, after the grace period");
      this.#readLines();
      return { ok: false, error: this.#death(error as Error, context) };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      this.#readLines();
      this.#running = undefined;
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  /** A thread has started. */
  #listen(port: MessagePort): void {
    this.#port = port;
    port.on("message", (line: ThreadLine) => this.#log(line));
    // Calls keep the process alive, not what they might log.
    port.unref();
    const running = this.#running;
    if (running?.context.signal.aborted === true) this.#stop(running.id, running.context.signal);
  }

  #stop(id: number, { reason }: AbortSignal): void {
    this.#port?.postMessage({ id, reason: reason as unknown } satisfies ThreadStop);
  }

  /** Lines take another way than the answer, which may be faster. */
  #readLines(): void {
    if (this.#port === undefined) return;
    for (let next; (next = receiveMessageOnPort(this.#port)) !== undefined;) {
      this.#log(next.message as ThreadLine);
    }
  }

  /** The thread died between two calls. */
  #tell({ stack, message }: Error): void {
    const what = "a function threw an error after its task had ended";
    this.#options.observer.observe({ kind: "trouble", what, error: stack ?? message });
  }

  #log({ id, line }: ThreadLine): void {
    if (this.#running?.id === id) this.#running.context.log(line);
  }

  /** What it means that the thread died of this. */
  #death(error: Error & { readonly code?: string }, context: Pick<TaskContext, "log">): TaskError {
    if (error.code === "ERR_WORKER_OUT_OF_MEMORY") {
      const limit = `${this.#options.memoryMb} MiB of heap that a function may`;
      return { reason: "out-of-memory", message: `used more than the ${limit} (--function-memory)` };
    }
    const exit = /^worker exited with code: (\d+)$/.exec(error.message);
    if (exit !== null) {
      return { reason: "function-error", message: `ended its thread by process.exit(${exit[1]})` };
    }
    if (error.stack !== undefined) context.log(error.stack);
    return { reason: "function-error", message: describe(error) };
  }
}
