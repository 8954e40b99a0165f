/**
 * One thread that runs the functions of a module, one call at a time.
 *
 * The pool starts the thread for the first call, keeps it warm for a while, and has a fresh one take the place of one
 * that died or was ended. It is a pool of one, so that it is known on which thread a call runs: it is told there that it
 * must end, and what it logs comes from there.
 */
import { MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { JsonObject } from "../core/json.ts";
import type { Observer } from "../ports/observer.ts";
import type {
  FunctionIdentity,
  PrintStream,
  TaskCall,
  TaskContext,
  TaskReturn,
} from "../ports/task-executor.ts";
import { inheritedEnv } from "./bash-launch.ts";
import { failure } from "./function-call.mjs";
import { folderOf } from "./function-folder.ts";
import { identityOf } from "./function-identity.ts";
import { LOAD_LIMIT_MS } from "./load-limit.ts";
import { failureOf } from "./thrown.mjs";

export interface ThreadOptions {
  /** Path of the module. */
  readonly file: string;
  /** How much heap the thread may use, in MiB. */
  readonly memoryMb: number;
  readonly observer: Observer;
}

/** A function of the module. */
export interface FunctionName {
  readonly name: string;
  /** How much heap its thread may use, in MiB; without it what all may. */
  readonly memoryMb?: number;
}

/** A call, as it goes to the thread. */
export interface ThreadCall {
  /** Counts the calls of this thread's place. */
  readonly id: number;
  /** Of the function. */
  readonly name: string;
  readonly params: JsonObject;
  readonly identity: FunctionIdentity;
  /** In milliseconds since 1970. */
  readonly deadline: number;
}

/** That a call must end, as it goes to the thread; the reason is that of its signal. */
export interface ThreadStop {
  readonly id: number;
  readonly reason: unknown;
}

/** The folder that a call has asked for, or why there is none. */
export type ThreadFolder = { readonly id: number } & (
  { readonly folder: string } | { readonly noFolder: string }
);

/** A call wants a folder. */
export interface ThreadWish {
  readonly id: number;
  readonly wants: "folder";
}

/** What a call logs or prints, as it comes from the thread. */
export interface ThreadNews {
  readonly id: number;
  readonly stream: PrintStream | "log";
  /** Of the log a line. */
  readonly bytes: Uint8Array;
  /** What it adds to what waits. */
  readonly weight: number;
}

/** What a thread says of itself when it starts. */
interface ThreadStart {
  readonly port: MessagePort;
  /** One number: the weight of the news that have not been taken. */
  readonly waiting: Int32Array;
}

interface Running {
  readonly id: number;
  readonly context: TaskContext;
  folder(): Promise<string>;
}

function isStart(message: unknown): message is ThreadStart {
  return (message as Partial<ThreadStart> | null)?.port instanceof MessagePort;
}

const DECODER = new TextDecoder();
const INSIDE = new URL("./inside-thread.mjs", import.meta.url).href;
/** A thread that had nothing to do for so long is ended. */
const IDLE_MS = 60_000;
/** A timer that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class FunctionThread {
  readonly #options: ThreadOptions;
  readonly #pool: Piscina;
  #start: ThreadStart | undefined;
  #lastId = 0;
  /** Of the last call: what it left behind may still know its secrets. */
  #masked: TaskContext["masked"] = (text) => text;
  #running: Running | undefined;

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
      // A copy, less what is for no task: whatever a function prints of it, or starts, has no more.
      env: inheritedEnv(process.env, undefined),
      resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
      workerData: { file: options.file },
    });
    this.#pool.on("message", (message: unknown) => {
      // A module may post something of its own.
      if (isStart(message)) this.#listen(message);
    });
    this.#pool.on("error", (error: Error) => this.#tell(error));
  }

  /** The module's functions, or why it cannot be used. */
  async names(): Promise<readonly FunctionName[] | string> {
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), LOAD_LIMIT_MS);
    try {
      const { signal } = ending;
      return (await this.#pool.run(undefined, { name: "names", signal })) as readonly FunctionName[] | string;
    } catch (error) {
      if (ending.signal.aborted) return `it had not loaded after ${LOAD_LIMIT_MS / 1_000} s`;
      return `it cannot be loaded: ${this.#death(error as Error).error.message}`;
    } finally {
      clearTimeout(timer);
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
    this.#running = { id, context, folder: folderOf(context) };
    this.#masked = context.masked;
    try {
      const { command: name, params } = call;
      const { deadline } = context;
      const threadCall: ThreadCall = { id, name, params, identity: identityOf(call), deadline };
      const answer: unknown = await this.#pool.run(threadCall, { name: "call", signal: ending.signal });
      return JSON.parse(answer as string) as TaskReturn;
    } catch (error) {
      if (ending.signal.aborted) return failure("cancelled", "ended with its thread, after the grace period");
      this.#readNews();
      const { stack, ...rest } = this.#death(error as Error);
      if (stack !== undefined) context.log(stack);
      return { ok: false, ...rest };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      this.#readNews();
      this.#running = undefined;
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  /** A thread has started. */
  #listen(start: ThreadStart): void {
    const { port } = start;
    this.#start = start;
    port.on("message", (news: ThreadNews | ThreadWish) => this.#take(news, start));
    // Calls keep the process alive, not what they might log.
    port.unref();
    const running = this.#running;
    if (running?.context.signal.aborted === true) this.#stop(running.id, running.context.signal);
  }

  #stop(id: number, { reason }: AbortSignal): void {
    const port = this.#start?.port;
    port?.postMessage({ id, reason: reason as unknown } satisfies ThreadStop);
  }

  /** What is logged takes another way than the answer, which may be faster. */
  #readNews(): void {
    const start = this.#start;
    if (start === undefined) return;
    for (let next; (next = receiveMessageOnPort(start.port)) !== undefined;) {
      this.#take(next.message as ThreadNews | ThreadWish, start);
    }
  }

  /** The thread died between two calls. */
  #tell({ stack, message }: Error): void {
    const what = "a function threw an error after its task had ended";
    this.#options.observer.observe({ kind: "trouble", what, error: this.#masked(stack ?? message) });
  }

  #take(news: ThreadNews | ThreadWish, start: ThreadStart): void {
    if ("wants" in news) void this.#give(news, start);
    else this.#hear(news, start);
  }

  async #give({ id }: ThreadWish, { port }: ThreadStart): Promise<void> {
    const folder = this.#running?.id === id ? this.#running.folder : undefined;
    if (folder === undefined) return;
    const answer = await folder().then(
      (path): ThreadFolder => ({ id, folder: path }),
      (error: unknown): ThreadFolder => ({ id, noFolder: String(error) }),
    );
    port.postMessage(answer);
  }

  #hear({ id, stream, bytes, weight }: ThreadNews, { waiting }: ThreadStart): void {
    Atomics.sub(waiting, 0, weight);
    Atomics.notify(waiting, 0);
    if (this.#running?.id !== id) return;
    const { context } = this.#running;
    if (stream === "log") context.log(DECODER.decode(bytes));
    else context.print(stream, bytes);
  }

  /** What it means that the thread died of this. */
  #death(error: Error & { readonly code?: string }): ReturnType<typeof failureOf> {
    if (error.code === "ERR_WORKER_OUT_OF_MEMORY") {
      const limit = `${this.#options.memoryMb} MiB of heap that it may (--function-memory, or the function's memoryMb)`;
      return { error: { reason: "out-of-memory", message: `used more than the ${limit}` } };
    }
    const exit = /^worker exited with code: (\d+)$/.exec(error.message);
    if (exit === null) return failureOf(error);
    return { error: { reason: "function-error", message: `ended its thread by process.exit(${exit[1]})` } };
  }
}
