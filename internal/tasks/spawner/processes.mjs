// All processes, where the kernel shows them.
import { readdir, readFile } from "node:fs/promises";

const AT_A_TIME = 32;

/**
 * A file of each process, by its process id. What is gone by then, or is somebody else's, is left out.
 *
 * @param {"stat" | "environ"} file
 * @returns {AsyncGenerator<[pid: number, content: Buffer]>}
 */
export async function* eachProcess(file) {
  const entries = await readdir("/proc").catch(() => /** @type {string[]} */ ([]));
  const pids = entries.filter((entry) => /^\d+$/.test(entry)).map(Number);
  while (pids.length > 0) {
    const some = pids.splice(0, AT_A_TIME);
    const contents = await Promise.all(
      some.map((pid) => readFile(`/proc/${pid}/${file}`).catch(() => undefined)),
    );
    for (const [i, content] of contents.entries()) if (content !== undefined) yield [some[i] ?? 0, content];
  }
}
