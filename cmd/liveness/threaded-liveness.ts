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
  /**
   * The thread may hear so much later what a worker has taken, in milliseconds: what is over by then it need not hear
   * of at all. Only where no task runs on the process's own loop, which could be held up meanwhile; else 0.
   */
  readonly tellingMs: number;
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
    const post = (message: ToThread): void => this.#thread?.postMessage(message);
    const lifeline = new ThreadLifeline({ identity, status, post, tellingMs: this.#options.tellingMs });
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
    const { observer: _, tellingMs: __, ...settings } = this.#options;
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

interface LifelineOptions {
  readonly identity: WorkerIdentity;
  readonly status: WorkerStatus;
  readonly tellingMs: number;
  post(message: ToThread): void;
}

class ThreadLifeline implements Lifeline {
  readonly #options: LifelineOptions;
  /** For a thread that has to be told everything. */
  readonly #held = new Map<string, HeldCopy>();
  /** Of what is held, what the thread does not know yet; and what it knows that is held no longer. */
  readonly #untold = new Map<string, HeldCopy>();
  #letGo: AttemptId[] = [];
  #told = 0;
  #status: WorkerStatus;
  #telling: NodeJS.Timeout | undefined;
  readonly begun: Promise<void>;
  onBegun = (): void => undefined;
  onStopped = (): void => undefined;

  constructor(options: LifelineOptions) {
    this.#options = options;
    this.#status = options.status;
    this.begun = new Promise((resolve) => (this.onBegun = resolve));
  }

  /** Tells a thread that knows nothing. */
  begin(): void {
    const { identity, post } = this.#options;
    post({ kind: "begin", identity, status: this.#status });
    if (this.#held.size > 0) post(this.#holds([...this.#held.values()]));
  }

  hold(copies: readonly HeldCopy[], n: number): void {
    this.#told = n;
    for (const copy of copies) {
      const key = attemptKey(copy.claim);
      this.#held.set(key, copy);
      this.#untold.set(key, copy);
    }
    if (this.#options.tellingMs > 0) this.#tellSoon();
    else this.#tell();
  }

  /** Many may be let go within one turn of the loop; one that the thread holds for a little longer does no harm. */
  letGo({ runId, task, index, attempt }: AttemptId): void {
    const id = { runId, task, index, attempt };
    const key = attemptKey(id);
    if (!this.#held.delete(key)) return;
    if (!this.#untold.delete(key)) this.#letGo.push(id);
    this.#tellSoon();
  }

  update(status: WorkerStatus): void {
    this.#status = status;
    this.#options.post({ kind: "update", of: this.#of, status });
  }

  beat(): void {
    this.#tell();
    this.#options.post({ kind: "beat", of: this.#of });
  }

  async stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const stopped = new Promise<void>((resolve) => {
      this.onStopped = resolve;
      timer = setTimeout(resolve, STOP_MS);
    });
    this.#tell();
    this.#options.post({ kind: "stop", of: this.#of });
    await stopped;
    clearTimeout(timer);
  }

  get #of(): string {
    return this.#options.identity.incarnation;
  }

  #tellSoon(): void {
    this.#telling ??= setTimeout(() => this.#tell(), this.#options.tellingMs);
  }

  #tell(): void {
    if (this.#telling !== undefined) clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#options.post(this.#holds([...this.#untold.values()], this.#letGo));
    this.#untold.clear();
    this.#letGo = [];
  }

  #holds(taken: readonly HeldCopy[], letGo: readonly AttemptId[] = []): ToThread {
    return { kind: "holds", of: this.#of, letGo, taken, n: this.#told };
  }
}
