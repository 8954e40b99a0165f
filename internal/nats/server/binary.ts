/** A nats-server program, and what it says of itself. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Below this nothing works: refused. */
export const OLDEST = "2.9.0";
/** From this on all is well; what is older is used with a warning, when there is nothing else. */
export const CURRENT = "2.10.0";

const ANSWER_MS = 5_000;

export interface ServerBinary {
  readonly path: string;
  /** Such as `2.14.5`. */
  readonly version: string;
}

/** Asks the program for its version; rejects with the reason when it is no nats-server or does not answer within 5 s. */
export async function inspectBinary(path: string): Promise<ServerBinary> {
  // SIGKILL: what hangs may well ignore a request to end.
  const options = { timeout: ANSWER_MS, killSignal: "SIGKILL" } as const;
  const { stdout, stderr } = await run(path, ["--version"], options).catch((error: unknown) => {
    throw new Error(whyNot(error as NodeJS.ErrnoException & { killed?: boolean }));
  });
  const version = /nats-server:?\s+v?(\d+\.\d+\.\d+)/.exec(`${stdout}${stderr}`)?.[1];
  if (version === undefined) throw new Error("it does not answer '--version' like a nats-server");
  return { path, version };
}

function whyNot({ code, killed, message }: NodeJS.ErrnoException & { killed?: boolean }): string {
  if (killed === true) return `it does not answer '--version' within ${ANSWER_MS / 1_000} s`;
  switch (code) {
    case "ENOENT":
      return "there is no such file, or what runs it is missing";
    case "EACCES":
      return "it is not a program that may be run (permission denied)";
    default:
      return message.trim().split("\n").slice(0, 2).join(": ");
  }
}

/** Negative when `a` is older than `b`, 0 when both are the same. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function isAtLeast({ version }: ServerBinary, wanted: string): boolean {
  return compareVersions(version, wanted) >= 0;
}

export function newestOf(binaries: readonly ServerBinary[]): ServerBinary | undefined {
  return binaries.toSorted((a, b) => compareVersions(b.version, a.version))[0];
}
