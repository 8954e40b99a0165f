/** Ends process groups. */
import { readdir, readFile } from "node:fs/promises";

const POLL_MS = 20;
/** A process that SIGKILL has not ended by now waits in the kernel, and nobody can help. */
const KILLED_MS = 1_000;

/** SIGTERM to the group, and SIGKILL to what is left after the grace period. Resolves when nothing of it runs. */
export async function endGroup(pgid: number, graceMs: number): Promise<void> {
  if (!signalGroup(pgid, "SIGTERM") || (await isGone(pgid, graceMs))) return;
  signalGroup(pgid, "SIGKILL");
  await isGone(pgid, KILLED_MS);
}

/** Whether nothing of the group runs, now or within the time. */
export async function isGone(pgid: number, withinMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + withinMs;
  while (await isRunning(pgid)) {
    if (performance.now() >= giveUpAt) return false;
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
  return true;
}

/**
 * A signal reaches zombies too, and where nobody reaps them (a container without an init) they stay for ever.
 * So where the kernel shows its processes, a group of zombies counts as gone.
 */
async function isRunning(pgid: number): Promise<boolean> {
  if (!signalGroup(pgid, 0)) return false;
  const entries = await readdir("/proc").catch(() => []);
  const pids = entries.filter((entry) => /^\d+$/.test(entry));
  if (pids.length === 0) return true;
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return stats.some((stat) => {
    // After the name, which may hold anything: state, parent, group.
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(group) === pgid && state !== "Z" && state !== "X";
  });
}

function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pgid, signal);
  } catch {
    return false;
  }
}
