/** Runs apt-get, and gives up early when the mirror does not answer. */
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

/** With no mirror behind it, each further try would cost as much again. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

export interface AptOptions {
  readonly cwd: string;
  /** Within this many ms the first answer has to be there. Default: as long as apt itself waits. */
  readonly answerWithinMs?: number;
}

/** What apt does is bounded by its own timeouts; this is for what they do not know. */
const CAP_MS = 600_000;

/** Its output is read, so it has to be in English. */
const COMMAND = ["LC_ALL=C", "apt-get"];

export async function aptOutput(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("env", [...COMMAND, ...args], { timeout: 10_000 }).catch(
    (error: Error & { stderr?: string }) => {
      throw new Error(`apt-get cannot be used: ${lastError(error.stderr ?? "") ?? error.message.trim()}`);
    },
  );
  return stdout;
}

/** Rejects with apt's last word, or with `NoAnswer`. */
export async function apt(args: readonly string[], { cwd, answerWithinMs }: AptOptions): Promise<void> {
  const child = spawn("env", [...COMMAND, "-q", ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let failure: Error | undefined;
  const stopAfter = (ms: number, error: Error): NodeJS.Timeout =>
    setTimeout(() => {
      failure ??= error;
      child.kill("SIGKILL");
      // Its helpers hold the other ends until they notice.
      child.stdout.destroy();
      child.stderr.destroy();
    }, ms);
  const cap = stopAfter(CAP_MS, new Error("apt-get did not end within 10 minutes"));
  const watchdog =
    answerWithinMs === undefined
      ? undefined
      : stopAfter(
          answerWithinMs,
          new NoAnswer(`the mirror gives no answer within ${answerWithinMs / 1_000} s`),
        );
  let stderr = "";
  let line = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout.on("data", (chunk: Buffer) => {
    line = `${line}${chunk.toString()}`;
    // "Get:" stands where data comes, "Hit:" where there is nothing new.
    if (/^(Get|Hit|Err):/m.test(line)) clearTimeout(watchdog);
    line = line.slice(line.lastIndexOf("\n") + 1);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (failure !== undefined) throw failure;
    if (code !== 0) throw new Error(lastError(stderr) ?? `apt-get ended with ${code}`);
  } finally {
    clearTimeout(cap);
    clearTimeout(watchdog);
  }
}

/** The first line that names a failure; apt's last ones only say that there was one. */
function lastError(stderr: string): string | undefined {
  const lines = stderr.trim().split("\n");
  return lines.find((line) => line.startsWith("E: "))?.replace(/^E: /, "");
}
