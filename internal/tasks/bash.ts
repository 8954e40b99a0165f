/**
 * Tasks of type `bash`: a script for `bash -c`, in a process group of its own.
 *
 * B1 Param values are never part of the script; they come by environment and by file.
 * B2 When the attempt ends, in whatever way, its whole process group ends: SIGTERM, then SIGKILL. When this process
 *    ends before, in whatever way, the guard ends all that is left of it.
 * B3 Output is captured within a limit; a script that prints more does not fail for it.
 */
import { execa, type ExecaError, type ResultPromise } from "execa";
import { cutAfter } from "../core/cut.ts";
import type { JsonObject } from "../core/json.ts";
import type { FailureReason, TaskError } from "../core/outcome.ts";
import type { TaskCall, TaskContext, TaskExecutor, TaskReturn } from "../ports/task-executor.ts";
import { environment, makeFiles, readOutputFile, removeFiles } from "./bash-files.ts";
import { Captured } from "./captured.ts";
import { guard, type Guarded } from "./bash-guard.ts";
import { BadOutputFile } from "./output-file.ts";
import { endGroup, isGone } from "./process-group.ts";

export interface BashOptions {
  /** Working directory. Default: that of this process. */
  readonly cwd?: string;
  /** Environment of the scripts. Default: that of this process, without what tells how to reach the cluster. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How much of stdout and of stderr is kept, in bytes each. Default 1 MiB. */
  readonly outputLimit?: number;
}

const OPTIONS = { stdin: "ignore", buffer: false, reject: false, detached: true, cleanup: false } as const;

/** How long pipes may stay open after the group has ended; who holds them then is out of our reach. */
const PIPE_GRACE_MS = 200;

export class BashTaskExecutor implements TaskExecutor {
  readonly type = "bash";
  readonly #cwd: string | undefined;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #outputLimit: number;

  constructor({ cwd, env = process.env, outputLimit = 1_024 * 1_024 }: BashOptions = {}) {
    this.#cwd = cwd;
    this.#env = env;
    this.#outputLimit = outputLimit;
  }

  async execute(call: TaskCall, context: TaskContext): Promise<TaskReturn> {
    if (context.signal.aborted) return { ok: false, error: ended() };
    const files = await makeFiles(call);
    const guarded = guard.begin(files.folder);
    try {
      const stdout = new Captured(this.#outputLimit);
      const stderr = new Captured(this.#outputLimit);
      const env = environment(call, files, this.#env);
      const cwd = this.#cwd === undefined ? {} : { cwd: this.#cwd };
      const child = execa("bash", ["-c", call.command], { ...OPTIONS, ...cwd, env, extendEnv: false });
      child.stdout?.on("data", (chunk: Buffer) => stdout.add(chunk));
      child.stderr?.on("data", (chunk: Buffer) => stderr.add(chunk));
      const result = await finish(child, guarded, context);
      const printed: JsonObject = {
        stdout: stdout.text(),
        stderr: stderr.text(),
        exit_code: result.exitCode ?? null,
        ...(stdout.isCut ? { stdout_truncated: true } : {}),
        ...(stderr.isCut ? { stderr_truncated: true } : {}),
      };
      const error = context.signal.aborted ? ended() : errorOf(result, printed);
      if (error !== undefined) return { ok: false, error, output: printed };
      const written = await readOutputFile(files, this.#outputLimit);
      return { ok: true, output: { ...written, ...printed } };
    } catch (error) {
      if (error instanceof BadOutputFile)
        return { ok: false, error: { reason: "bad-output", message: error.message } };
      throw error;
    } finally {
      guarded.ended();
      await removeFiles(files);
    }
  }
}

type Ended = Partial<Pick<ExecaError, "exitCode" | "signal" | "code" | "originalMessage">>;

/** Waits for bash itself, then sees to it that nothing of its group is left and its pipes are done with. */
async function finish(
  child: ResultPromise<typeof OPTIONS>,
  guarded: Guarded,
  context: TaskContext,
): Promise<Ended> {
  const { pid } = child;
  if (pid === undefined) return await child;
  guarded.group(pid);
  const exited = new Promise<Ended>((resolve) => {
    child.once("exit", (exitCode: number | null, signal: NodeJS.Signals | null) => {
      resolve({ ...(exitCode === null ? {} : { exitCode }), ...(signal === null ? {} : { signal }) });
    });
  });
  const stop = (): void => void endGroup(pid, context.graceMs);
  context.signal.addEventListener("abort", stop, { once: true });
  if (context.signal.aborted) stop();
  const result = await exited;
  context.signal.removeEventListener("abort", stop);
  if (!(await isGone(pid, 0))) await endGroup(pid, context.graceMs);
  await pipesClosed(child);
  return result;
}

async function pipesClosed(child: ResultPromise<typeof OPTIONS>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PIPE_GRACE_MS);
  });
  await Promise.race([child.then(() => undefined), tooLong]);
  clearTimeout(timer);
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function errorOf(
  { exitCode, signal, code, originalMessage }: Ended,
  printed: JsonObject,
): TaskError | undefined {
  if (exitCode === 0) return undefined;
  if (signal !== undefined) return { reason: "killed", message: `ended by ${signal}`, signal };
  if (exitCode === undefined) {
    const why =
      code === "ENOENT" ? "bash or the working directory does not exist" : (originalMessage ?? code);
    return { reason: "spawn-failed", message: `could not be started: ${String(why)}` };
  }
  const last = (typeof printed.stderr === "string" ? printed.stderr : "")
    .split("\n")
    .findLast((line) => line.trim() !== "");
  const message =
    last === undefined ? `exit code ${exitCode}` : `exit code ${exitCode}: ${cutAfter(last, 500)}`;
  return { reason: "exit-nonzero", message, exitCode };
}

/** The worker knows why, and says so in its place. */
function ended(): TaskError {
  const reason: FailureReason = "cancelled";
  return { reason, message: "ended before its time" };
}
