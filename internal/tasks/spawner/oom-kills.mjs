// How many processes the kernel has ended in our control group for want of memory.
import { openSync, readFileSync, readSync } from "node:fs";

const MAX_BYTES = 4_096;

/** @type {number | undefined} */
let file;
let isLookedFor = false;
const bytes = Buffer.alloc(MAX_BYTES);

/** So far; 0 where that cannot be known. */
export function oomKills() {
  if (!isLookedFor) file = find();
  isLookedFor = true;
  return file === undefined ? 0 : (read(file) ?? 0);
}

/** The newer kind of control groups counts in `memory.events`, the older in `memory.oom_control`. */
function find() {
  const groups = attempt(() => readFileSync("/proc/self/cgroup", "utf8")) ?? "";
  const newer = /^0::(.*)$/m.exec(groups)?.[1] ?? "/";
  const older = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1] ?? "/";
  // In a container its own group may be all that is shown, at the top.
  const paths = [
    `/sys/fs/cgroup${newer}/memory.events`,
    "/sys/fs/cgroup/memory.events",
    `/sys/fs/cgroup/memory${older}/memory.oom_control`,
    "/sys/fs/cgroup/memory/memory.oom_control",
  ];
  for (const path of paths) {
    const found = attempt(() => openSync(path, "r"));
    if (found !== undefined && read(found) !== undefined) return found;
  }
  return undefined;
}

/** @param {number} from */
function read(from) {
  const length = attempt(() => readSync(from, bytes, 0, MAX_BYTES, 0)) ?? 0;
  const count = /^oom_kill (\d+)$/m.exec(bytes.toString("latin1", 0, length))?.[1];
  return count === undefined ? undefined : Number(count);
}

/**
 * @template T
 * @param {() => T} act
 */
function attempt(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}
