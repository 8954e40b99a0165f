/** What the end of a command means for its task. */
import { cutAfter } from "../core/cut.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { TaskError } from "../core/outcome.ts";
import type { TaskReturn } from "../ports/task-executor.ts";
import type { BashTaskOptions } from "./bash-launch.ts";
import type { Ended } from "./bash-spawner.ts";
import type { Captured } from "./captured.ts";
import { BadOutputFile, parseOutputFile } from "./output-file.ts";
import { MAX_QUOTED, outputOf, type Printed, withLastLine } from "./printed.ts";

/** As a shell tells that SIGKILL has ended what it ran. */
const KILLED = 128 + 9;

/** `outputLimit` in bytes. */
export function outcomeOf(
  ended: Ended,
  printed: Printed,
  { options, outputLimit }: { readonly options: BashTaskOptions; readonly outputLimit: number },
): TaskReturn {
  const output = outputOf(printed, ended.exitCode);
  const { exitCode } = ended;
  if (exitCode !== undefined && exitCode === options.skip_code)
    return { ok: true, output, skipped: withLastLine(`exit code ${exitCode}`, printed) };
  if (exitCode !== 0) return { ok: false, output, error: errorOf(ended, printed, options) };
  try {
    const told = options.output === "json" ? toldOf(printed.stdout) : {};
    return { ok: true, output: { ...told, ...writtenOf(ended, outputLimit), ...output } };
  } catch (error) {
    if (!(error instanceof BadOutput) && !(error instanceof BadOutputFile)) throw error;
    return { ok: false, output, error: { reason: "bad-output", message: error.message } };
  }
}

function errorOf(ended: Ended, printed: Printed, options: BashTaskOptions): TaskError {
  const { exitCode, signal, failed, lost, released, isOutOfMemory = false } = ended;
  if (released !== undefined) return { reason: "released", message: released };
  if (lost !== undefined) return { reason: "lost", message: lost };
  if (failed !== undefined) return { reason: "spawn-failed", message: `could not be started: ${failed}` };
  if (isOutOfMemory && (signal === "SIGKILL" || exitCode === KILLED)) {
    const message = "ended by the kernel: what runs on this worker has reached its limit of memory";
    return { reason: "out-of-memory", message, ...(exitCode === undefined ? {} : { exitCode }) };
  }
  if (exitCode === undefined) {
    const hint = signal === "SIGKILL" ? "; if nobody sent it, the machine ran out of memory" : "";
    return {
      reason: "killed",
      message: `ended by ${signal}${hint}`,
      ...(signal === undefined ? {} : { signal }),
    };
  }
  const message = withLastLine(`exit code ${exitCode}`, printed);
  return {
    reason: "exit-nonzero",
    message,
    exitCode,
    ...(isRetried(exitCode, options) ? {} : { isFinal: true }),
  };
}

function isRetried(code: number, { retry_on: only, no_retry_on: never }: BashTaskOptions): boolean {
  return only?.includes(code) ?? never?.includes(code) !== true;
}

class BadOutput extends Error {}

/** The last line of stdout: a JSON object is output as it is, other JSON is output `result`. */
function toldOf(stdout: Captured): JsonObject {
  const last = stdout.lastLine();
  if (last === undefined)
    throw new BadOutput("stdout has no line that could be its output as JSON, or that line is too long");
  let value: JsonValue;
  try {
    value = JSON.parse(last) as JsonValue;
  } catch {
    throw new BadOutput(`the last line of stdout is no JSON: ${cutAfter(last, MAX_QUOTED)}`);
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : { result: value };
}

function writtenOf({ written = "", unreadable }: Ended, outputLimit: number): JsonObject {
  if (unreadable !== undefined) throw new BadOutputFile(`the output file cannot be read: ${unreadable}`);
  return parseOutputFile(written, outputLimit);
}
