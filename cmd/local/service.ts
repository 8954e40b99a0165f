/** An executor or a worker as a process of its own: the real program, which ends when we are gone, however we went. */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { howItEnded, Keeper } from "../../internal/nats/server/keeper.ts";

export interface ServiceOptions {
  readonly program: "executor" | "worker";
  /** Of this one; its log is called so. */
  readonly name: string;
  readonly args: readonly string[];
  /** Folder of its log. */
  readonly logs: string;
  /** How long it may finish its work when it is stopped, in milliseconds. Default: 0. */
  readonly drainMs?: number;
  /** How long it may take to end after that, before it is killed. Default: 5,000 ms. */
  readonly killAfterMs?: number;
  /** Of the server that it speaks to: when we are gone, the service ends first. */
  readonly server?: Keeper;
}

/** It did not start, or ended before it was told to; the message ends with the end of its log. */
export class ServiceFailed extends Error {
  readonly code = "SERVICE_FAILED";
  constructor(message: string) {
    super(message);
    this.name = "ServiceFailed";
  }
}

const READY_MS = 60_000;
const POLL_MS = 25;
const LOG_LINES = 10;

export class Service {
  /** Resolves when it has ended, with what ended it, such as `SIGKILL`. */
  readonly gone: Promise<string>;
  /** Rejects with `ServiceFailed` when the process ends before it is stopped. */
  readonly died: Promise<never>;
  readonly options: ServiceOptions;
  readonly #logFile: string;
  /** Where its own lines begin in the log. */
  readonly #logStart: number;
  readonly #keeper: Keeper;
  #stopping = false;

  constructor(options: ServiceOptions) {
    const { program, name, args, logs, drainMs, killAfterMs, server } = options;
    this.options = options;
    mkdirSync(logs, { recursive: true });
    this.#logFile = join(logs, `${name}.log`);
    this.#logStart = statSync(this.#logFile, { throwIfNoEntry: false })?.size ?? 0;
    const main = fileURLToPath(new URL(`../${program}/main.js`, import.meta.url));
    const kept = {
      binary: process.execPath,
      args: [main, ...args],
      logFile: this.#logFile,
      ...(drainMs === undefined ? {} : { drainMs }),
      ...(killAfterMs === undefined ? {} : { killAfterMs }),
    };
    this.#keeper = new Keeper(kept, server === undefined ? {} : { endsBefore: server });
    this.gone = this.#keeper.gone.then(howItEnded);
    this.died = this.#keeper.gone.then((code) => {
      if (this.#stopping) return new Promise<never>(() => undefined);
      throw this.#failed(`ended before its time (${howItEnded(code)})`);
    });
    this.died.catch(() => undefined);
  }

  /** Resolves when it says that it has started. Rejects with `ServiceFailed`. */
  async ready(): Promise<void> {
    await Promise.race([this.#started(), this.died]);
  }

  /** Ends it in good order. A second call hurries it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#keeper.askToEnd();
    await this.gone;
  }

  async #started(): Promise<void> {
    const { program } = this.options;
    const giveUpAt = performance.now() + READY_MS;
    while (!this.#log().includes(`${program} started`)) {
      if (this.#stopping) return;
      if (performance.now() > giveUpAt) {
        throw this.#failed("did not start");
      }
      await new Promise((resolve) => {
        setTimeout(resolve, POLL_MS);
      });
    }
  }

  #log(): string {
    try {
      return readFileSync(this.#logFile).subarray(this.#logStart).toString();
    } catch {
      return "";
    }
  }

  #failed(how: string): ServiceFailed {
    const lines = this.#log().trim().split("\n").slice(-LOG_LINES).join("\n");
    return new ServiceFailed(
      `${this.options.name} ${how}; its log ends with:\n${lines === "" ? "(nothing)" : lines}`,
    );
  }
}
