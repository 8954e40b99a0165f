/** Looks at processes that are not our children. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { until } from "./until.ts";

/** Whether a process runs; one that has ended and waits for its parent to notice does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const state = look(pid)?.state;
  return state !== undefined && !state.startsWith("Z");
}

/** Stops a process in the middle, until SIGCONT. Resolves when it stands still: the signal may take a moment. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await until(
    () => isStopped(pid),
    () => look(pid),
  );
}

/** It stands still until SIGCONT. */
export function isStopped(pid: number): boolean {
  return look(pid)?.state.startsWith("T") === true;
}

export function parentOf(pid: number): number {
  return look(pid)?.parent ?? 0;
}

/** For a bash task: ends the worker that has started what started it. */
export const KILL_WORKER =
  "kill -9 $(ps -o ppid= -p $PPID 2>/dev/null || sed -n 's/^PPid:.//p' /proc/$PPID/status)";

/** All that a process has started, and what these have started, without those that have ended. */
export function descendantsOf(pid: number): number[] {
  const pids =
    process.platform === "linux"
      ? readdirSync("/proc").filter((name) => /^\d+$/.test(name))
      : execFileSync("ps", ["-A", "-o", "pid="], { encoding: "utf8" }).trim().split(/\s+/);
  const children = pids.map(Number).filter((each) => parentOf(each) === pid && isRunning(each));
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The command line of a process, empty when it is gone. */
export function commandOf(pid: number): string {
  try {
    return process.platform === "linux"
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
      : execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}

/** The most memory that a process ever had, in bytes; 0 where the system does not tell. */
export function peakMemory(pid: number): number {
  if (process.platform !== "linux") return 0;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

/** From /proc where there is one: small images have no `ps`. */
function look(pid: number): { state: string; parent: number } | undefined {
  try {
    const line =
      process.platform === "linux"
        ? readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "")
        : execFileSync("ps", ["-o", "state=,ppid=", "-p", String(pid)], { encoding: "utf8" });
    const [state = "", parent = ""] = line.trim().split(/\s+/);
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
