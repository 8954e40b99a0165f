/** A nats-server program, and what it says of itself. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface ServerBinary {
  readonly path: string;
  /** Such as `2.14.5`. */
  readonly version: string;
}

/** Asks the program for its version; rejects with the reason when it is no nats-server or does not answer within 5 s. */
export async function inspectBinary(path: string): Promise<ServerBinary> {
  const { stdout, stderr } = await run(path, ["--version"], { timeout: 5_000 });
  const version = /nats-server:?\s+v?(\d+\.\d+\.\d+)/.exec(`${stdout}${stderr}`)?.[1];
  if (version === undefined) throw new Error(`'${path} --version' does not answer like a nats-server`);
  return { path, version };
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
