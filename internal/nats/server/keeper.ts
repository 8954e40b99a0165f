/**
 * A program of ours that may not outlive us.
 *
 * Between us and the program stands a keeper, a small process that holds a pipe to us and ends the program when the
 * pipe closes: nothing outlives us, not even after `kill -9`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

export interface KeptProgram {
  readonly binary: string;
  readonly args: readonly string[];
  /** What it prints is appended there. */
  readonly logFile: string;
  /** Removed after its end, unless it ended by itself. */
  readonly temporaryFolder?: string;
  /** How long it may finish its work after a first SIGTERM, in milliseconds; a second one then hurries it. Default: 0. */
  readonly drainMs?: number;
  /** How long it may take to end after that, before it is killed. Default: 5,000 ms. */
  readonly killAfterMs?: number;
}

const KEEPER = fileURLToPath(new URL("./keeper.mjs", import.meta.url));
const KILLED_MS = 1_000;
const POLL_MS = 20;

export class Keeper {
  /** Resolves with the program's exit code, 128 and the number of the signal when one ended it. */
  readonly gone: Promise<number>;
  readonly #process: ChildProcess;
  #programPid = 0;

  /** When we are gone, it ends before what `endsBefore` keeps, and may still speak to that meanwhile. */
  constructor(program: KeptProgram, { endsBefore }: { readonly endsBefore?: Keeper } = {}) {
    this.#process = spawn(process.execPath, [KEEPER, JSON.stringify(program)], {
      // A session of its own: Ctrl-C at the terminal is for us, and we end the program when we are done.
      detached: true,
      // A pipe closes when the last who holds it is gone.
      stdio: ["pipe", "pipe", "ignore", endsBefore?.isGone === false ? endsBefore.#process.stdin : "ignore"],
    });
    const { stdin, stdout } = this.#process;
    // Only its end is of interest, and that shows as the end of the process.
    stdin?.on("error", () => undefined);
    stdout?.on("error", () => undefined);
    stdout?.once("data", (line: Buffer) => {
      this.#programPid = Number(line.toString());
      stdout.destroy();
    });
    this.gone = new Promise<number>((resolve) => {
      this.#process.once("exit", (code) => resolve(code ?? this.#killProgram()));
      this.#process.once("error", () => resolve(1));
    });
    // Until its end is waited for it keeps nobody alive.
    this.#process.unref();
    (stdout as Socket | null)?.unref();
  }

  get isGone(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Asks the program to end; what drains hurries when it is asked again. */
  askToEnd(): void {
    this.#process.ref();
    this.#process.kill("SIGTERM");
  }

  /** The keeper was killed, and nobody else ends the program. */
  async #killProgram(): Promise<number> {
    const giveUpAt = performance.now() + KILLED_MS;
    while (signalled(this.#programPid) && performance.now() < giveUpAt) {
      await new Promise((resolve) => {
        setTimeout(resolve, POLL_MS);
      });
    }
    return 128 + constants.signals.SIGKILL;
  }
}

function signalled(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

/** Such as `exit code 2`, or `SIGKILL`. */
export function howItEnded(code: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return signal === undefined ? `exit code ${code}` : signal[0];
}
