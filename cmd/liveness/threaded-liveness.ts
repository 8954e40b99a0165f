/**
 * Liveness of this process's workers on a thread of its own. Here is what the thread is told; what it does with it
 * is thread.ts. A thread that ends by itself is started anew and told everything again.
 */
import { createRequire } from "node:module";
import { Worker as Thread } from "node:worker_threads";
import { type AttemptId, attemptKey } from "../../internal/core/attempt.ts";
import type {
  HeldCopy,
  Lifeline,
  Liveness,
  WorkerIdentity,
  WorkerStatus,
} from "../../internal/ports/liveness.ts";
import type { Observer } from "../../internal/ports/observer.ts";
import type { FromThread, ThreadSettings, ToThread } from "./messages.ts";

export interface ThreadedLivenessOptions extends ThreadSettings {
  readonly observer: Observer;
}

const RESTART_MS = 1_000;
/** How long the end waits for the last word to leave. */
const STOP_MS = 2_000;
/** The package's own name for it: it is the compiled file, wherever this one is run from. */
const THREAD = "#liveness-thread";

export class ThreadedLiveness implements Liveness {
  readonly #options: ThreadedLivenessOptions;
  readonly #lifelines = new Map<string, ThreadLifeline>();
  #thread: Thread | undefined;
  #isClosed = false;

  constructor(options: ThreadedLivenessOptions) {
    this.#options = options;
  }

  async begin(identity: WorkerIdentity, status: WorkerStatus): Promise<Lifeline> {
    const lifeline = new ThreadLifeline(identity, status, (message) => this.#thread?.postMessage(message));
    this.#lifelines.set(identity.incarnation, lifeline);
    if (this.#thread === undefined) this.#start();
    else lifeline.begin();
    await lifeline.begun;
    return lifeline;
  }

  /** Ends the thread; lifelines that were not stopped end without a word. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.terminate();
  }

  #start(): void {
    if (this.#isClosed) return;
    const { observer: _, ...settings } = this.#options;
    const file = createRequire(import.meta.url).resolve(THREAD);
    const thread = new Thread(file, { workerData: settings, name: "liveness", execArgv: [] });
    this.#thread = thread;
    thread.unref();
    thread.on("message", (message: FromThread) => this.#hear(message));
    let why = "it has ended";
    thread.on("error", (error) => (why = String(error)));
    thread.on("exit", () => {
      if (!this.#isClosed) this.#startAgain(why);
    });
    for (const lifeline of this.#lifelines.values()) lifeline.begin();
  }

  #startAgain(why: string): void {
    this.#thread = undefined;
    const what = "the thread that shows the worker's life is gone, starting another";
    this.#options.observer.observe({ kind: "trouble", what, error: why });
    setTimeout(() => this.#start(), RESTART_MS).unref();
  }

  #hear(message: FromThread): void {
    const { observer } = this.#options;
    switch (message.kind) {
      case "are-you-there":
        this.#thread?.postMessage({ kind: "here" } satisfies ToThread);
        return;
      case "begun":
        this.#lifelines.get(message.of)?.onBegun();
        return;
      case "stopped":
        this.#lifelines.get(message.of)?.onStopped();
        this.#lifelines.delete(message.of);
        return;
      case "was-blocked":
        observer.observe({ kind: "loop-blocked", ms: message.ms });
        return;
      case "trouble":
        observer.observe({ kind: "trouble", what: message.what, error: "" });
    }
  }
}

class ThreadLifeline implements Lifeline {
  readonly #identity: WorkerIdentity;
  readonly #post: (message: ToThread) => void;
  /** For a thread that has to be told everything. */
  readonly #held = new Map<string, HeldCopy>();
  readonly begun: Promise<void>;
  #status: WorkerStatus;
  #told = 0;
  #letGo: AttemptId[] = [];
  onBegun = (): void => undefined;
  onStopped = (): void => undefined;

  constructor(identity: WorkerIdentity, status: WorkerStatus, post: (message: ToThread) => void) {
    this.#identity = identity;
    this.#status = status;
    this.#post = post;
    this.begun = new Promise((resolve) => (this.onBegun = resolve));
  }

  /** Tells a thread that knows nothing. */
  begin(): void {
    this.#post({ kind: "begin", identity: this.#identity, status: this.#status });
    if (this.#held.size > 0) this.#post(this.#hold([...this.#held.values()]));
  }

  hold(copies: readonly HeldCopy[], n: number): void {
    this.#told = n;
    for (const copy of copies) this.#held.set(attemptKey(copy), copy);
    // What was let go before may be held again now.
    this.#flush();
    this.#post(this.#hold(copies));
  }

  /** Many may be let go within one turn of the loop; one that the thread holds for a little longer does no harm. */
  letGo({ runId, task, index, attempt }: AttemptId): void {
    const id = { runId, task, index, attempt };
    if (!this.#held.delete(attemptKey(id))) return;
    this.#letGo.push(id);
    if (this.#letGo.length === 1) setImmediate(() => this.#flush());
  }

  update(status: WorkerStatus): void {
    this.#status = status;
    this.#post({ kind: "update", of: this.#of, status });
  }

  beat(): void {
    this.#flush();
    this.#post({ kind: "beat", of: this.#of });
  }

  async stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const stopped = new Promise<void>((resolve) => {
      this.onStopped = resolve;
      timer = setTimeout(resolve, STOP_MS);
    });
    this.#flush();
    this.#post({ kind: "stop", of: this.#of });
    await stopped;
    clearTimeout(timer);
  }

  get #of(): string {
    return this.#identity.incarnation;
  }

  #hold(copies: readonly HeldCopy[]): ToThread {
    return { kind: "hold", of: this.#of, copies, n: this.#told };
  }

  #flush(): void {
    if (this.#letGo.length === 0) return;
    this.#post({ kind: "let-go", of: this.#of, attempts: this.#letGo });
    this.#letGo = [];
  }
}
