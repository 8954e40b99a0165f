// Process groups, and how they end.
import { eachProcess } from "./processes.mjs";

const FIRST_LOOK_MS = 5;
const LAST_LOOK_MS = 100;
/** A process that SIGKILL has not ended by now waits in the kernel, and nobody can help. */
const KILLED_MS = 1_000;

/**
 * SIGTERM to the group, and SIGKILL to what is left after the grace period. Resolves when nothing of it runs.
 *
 * @param {number} pgid
 * @param {number} graceMs
 */
export async function endGroup(pgid, graceMs) {
  if (!signalGroup(pgid, "SIGTERM") || (await isGone(pgid, graceMs))) return;
  signalGroup(pgid, "SIGKILL");
  await isGone(pgid, KILLED_MS);
}

/**
 * Whether nothing of the group runs, now or within the time.
 *
 * @param {number} pgid
 * @param {number} withinMs
 */
export async function isGone(pgid, withinMs) {
  const giveUpAt = performance.now() + withinMs;
  for (let waitMs = FIRST_LOOK_MS; await isRunning(pgid); waitMs = Math.min(waitMs * 2, LAST_LOOK_MS)) {
    const left = giveUpAt - performance.now();
    if (left <= 0) return false;
    await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, left)));
  }
  return true;
}

/**
 * A signal reaches zombies too, and where nobody reaps them (a container without an init) they stay for ever.
 * So where the kernel shows its processes, a group of zombies counts as gone.
 *
 * @param {number} pgid
 */
async function isRunning(pgid) {
  if (!signalGroup(pgid, 0)) return false;
  let isShown = false;
  for await (const [, stat] of eachProcess("stat")) {
    isShown = true;
    // After the name, which may hold anything: state, parent, group.
    const [state, , group] = stat
      .toString("latin1")
      .replace(/^.*\) /s, "")
      .split(" ", 3);
    if (Number(group) === pgid && state !== "Z" && state !== "X") return true;
  }
  return !isShown;
}

/**
 * Whether there was anybody to hear it.
 *
 * @param {number} pgid
 * @param {NodeJS.Signals | 0} signal
 */
export function signalGroup(pgid, signal) {
  try {
    return process.kill(-pgid, signal);
  } catch {
    return false;
  }
}
