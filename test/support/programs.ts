/** The real programs as processes of their own, from what the build made. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const main = (name: string): string =>
  fileURLToPath(new URL(`../../dist/cmd/${name}/main.js`, import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Program {
  readonly #child: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout = "";
  stderr = "";

  constructor(
    name: "dag" | "executor" | "worker",
    args: readonly string[],
    env: Record<string, string> = {},
  ) {
    const inherited = Object.entries(process.env).filter(([key]) => !/^(NATS_|JETDAG_)/.test(key));
    this.#child = spawn(process.execPath, [main(name), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      // The configuration file of whoever runs the tests is not for them.
      env: { ...Object.fromEntries(inherited), XDG_CONFIG_HOME: "/nowhere", ...env },
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.finished = new Promise((resolve) => {
      this.#child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until a text stands in what it printed. */
  async says(text: string): Promise<void> {
    await until(
      () => this.stdout.includes(text) || this.stderr.includes(text),
      () => ({ text, stdout: this.stdout.slice(-2_000), stderr: this.stderr.slice(-2_000) }),
    );
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.finished;
  }
}

/** Runs `dag` to its end. */
export async function dag(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  await using program = new Program("dag", args, env);
  return await program.finished;
}
