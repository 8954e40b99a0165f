/** Looks at processes that are not our children. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

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

export function parentOf(pid: number): number {
  return look(pid)?.parent ?? 0;
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
