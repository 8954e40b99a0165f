/** A service of the demonstration: the real program as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const READY_MS = 20_000;

export class Service {
  /** Rejects when the process ends before it is stopped. */
  readonly died: Promise<never>;
  readonly #name: string;
  readonly #logFile: string;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #started: Promise<void>;
  #stopping = false;

  /** `name` is `executor`, or the id of a worker. */
  constructor(name: string, args: readonly string[], logs: string) {
    this.#name = name;
    this.#logFile = join(logs, `${name}.log`);
    const program = name === "executor" ? "executor" : "worker";
    const main = fileURLToPath(new URL(`../${program}/main.js`, import.meta.url));
    // A group of its own: Ctrl-C is for us, and we stop it when the run is cancelled.
    this.#child = spawn(process.execPath, [main, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const log = createWriteStream(this.#logFile);
    this.#child.stdout?.pipe(log, { end: false });
    this.#child.stderr?.pipe(log, { end: false });
    this.#started = new Promise((resolve) => {
      this.#child.stdout?.on("data", (chunk: Buffer) => {
        if (chunk.includes(`${program} started`)) resolve();
      });
    });
    this.#gone = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
    });
    this.died = this.#gone.then(() => {
      if (this.#stopping) return new Promise<never>(() => undefined);
      throw new Error(`${this.#name} ended before its time; its log ends with:\n${this.#lastLines()}`);
    });
    this.died.catch(() => undefined);
    process.once("exit", () => this.#child.kill("SIGKILL"));
  }

  async ready(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const fail = (): void =>
        reject(new Error(`${this.#name} did not start; its log ends with:\n${this.#lastLines()}`));
      timer = setTimeout(fail, READY_MS);
    });
    await Promise.race([this.#started, this.died, late]).finally(() => clearTimeout(timer));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.kill("SIGTERM");
    await this.#gone;
  }

  #lastLines(): string {
    try {
      return readFileSync(this.#logFile, "utf8").trim().split("\n").slice(-5).join("\n");
    } catch {
      return "(nothing)";
    }
  }
}
