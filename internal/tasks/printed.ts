/** What a command has printed, and what is told of it. */
import { cutAfter } from "../core/cut.ts";
import type { JsonObject } from "../core/json.ts";
import { Captured } from "./captured.ts";

export interface Printed {
  readonly stdout: Captured;
  readonly stderr: Captured;
}

/** The longest line that is quoted in a message, in characters. */
export const MAX_QUOTED = 500;

/** Nothing yet. `limit` in bytes, of each of both. */
export function nothingPrinted(limit: number): Printed {
  return { stdout: new Captured(limit), stderr: new Captured(limit) };
}

export function outputOf({ stdout, stderr }: Printed, exitCode: number | undefined): JsonObject {
  return {
    stdout: stdout.text(),
    stderr: stderr.text(),
    exit_code: exitCode ?? null,
    ...(stdout.isCut ? { stdout_truncated: true } : {}),
    ...(stderr.isCut ? { stderr_truncated: true } : {}),
  };
}

/** What a command says last on stderr is most often why it ended so. */
export function withLastLine(text: string, { stderr }: Printed): string {
  const last = stderr.lastLine();
  return last === undefined ? text : `${text}: ${cutAfter(last, MAX_QUOTED)}`;
}
