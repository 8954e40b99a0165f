/**
 * A service of the demonstration: the real program as a process of its own.
 *
 * A keeper runs it and holds the other end of a pipe of ours: when we are gone, however we went, it ends the service.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const READY_MS = 60_000;
const POLL_MS = 25;
const LOG_LINES = 10;
const KEEPER = fileURLToPath(new URL("../../internal/nats/server/keeper.mjs", import.meta.url));

export class Service {
  /** Rejects when the process ends before it is stopped. */
  readonly died: Promise<never>;
  readonly #name: string;
  readonly #program: "executor" | "worker";
  readonly #logFile: string;
  readonly #keeper: ChildProcess;
  readonly #gone: Promise<void>;
  #stopping = false;

  /** `name` is `executor`, or the id of a worker; `logs` is the folder for what it logs. */
  constructor(name: string, args: readonly string[], logs: string) {
    this.#name = name;
    this.#program = name === "executor" ? "executor" : "worker";
    this.#logFile = join(logs, `${name}.log`);
    const main = fileURLToPath(new URL(`../${this.#program}/main.js`, import.meta.url));
    const task = { binary: process.execPath, args: [main, ...args], logFile: this.#logFile };
    // A session of its own: Ctrl-C is for us, and we stop it when the run is cancelled.
    this.#keeper = spawn(process.execPath, [KEEPER, JSON.stringify(task)], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    this.#gone = new Promise((resolve) => {
      this.#keeper.once("exit", () => resolve());
    });
    this.died = this.#gone.then(() => {
      if (this.#stopping) return new Promise<never>(() => undefined);
      throw new Error(`${this.#name} ended before its time; its log ends with:\n${this.#lastLines()}`);
    });
    this.died.catch(() => undefined);
  }

  /** Resolves when it says that it has started. */
  async ready(): Promise<void> {
    await Promise.race([this.#started(), this.died]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#keeper.stdin?.destroy();
    await this.#gone;
  }

  async #started(): Promise<void> {
    const giveUpAt = performance.now() + READY_MS;
    while (!this.#log().includes(`${this.#program} started`)) {
      if (performance.now() > giveUpAt) {
        throw new Error(`${this.#name} did not start; its log ends with:\n${this.#lastLines()}`);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, POLL_MS);
      });
    }
  }

  #log(): string {
    try {
      return readFileSync(this.#logFile, "utf8");
    } catch {
      return "";
    }
  }

  #lastLines(): string {
    const lines = this.#log().trim().split("\n").slice(-LOG_LINES).join("\n");
    return lines === "" ? "(nothing)" : lines;
  }
}
