/** A command that the kernel ends for want of memory; needs a control group of its own, which root can make. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const DAG = fileURLToPath(new URL("../../dist/cmd/dag/main.js", import.meta.url));
const LIMIT = 256 * 1_024 * 1_024;

/** A control group with a limit of memory; `undefined` where none can be made. */
async function makeGroup(): Promise<string | undefined> {
  const [root, limit] = existsSync("/sys/fs/cgroup/memory")
    ? ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"]
    : ["/sys/fs/cgroup", "memory.max"];
  const path = `${root}/jetdag-test-${process.pid}`;
  try {
    await mkdir(path);
    await writeFile(`${path}/${limit}`, String(LIMIT));
    return path;
  } catch {
    await rmdir(path).catch(() => undefined);
    return undefined;
  }
}

const group = await makeGroup();

test.skipIf(group === undefined)(
  "says so, also where a shell was between; others of its run go on",
  async () => {
    await using folder = await TestFolder.make();
    // Reads a line that does not end.
    const hog = "tail /dev/zero";
    const file = await folder.write(
      "memory.json",
      JSON.stringify({
        name: "memory",
        tasks: [
          { id: "itself", command: `exec ${hog}` },
          { id: "child", command: `${hog}; exit $?`, depends_on: ["other"] },
          { id: "other", command: "kill -9 $$", allow_failure: true },
        ],
      }),
    );
    const command = `echo $$ > ${group}/cgroup.procs && exec "$0" "$@"`;
    const args = ["-c", command, process.execPath, DAG, "run", file, "--json", "--workers", "1"];
    const { stdout } = await promisify(execFile)("bash", args).catch(
      (error: unknown) => error as { stdout: string },
    );
    const { tasks } = JSON.parse(stdout) as { tasks: Record<string, { error?: { reason: string } }> };
    expect(Object.fromEntries(Object.entries(tasks).map(([id, { error }]) => [id, error?.reason]))).toEqual({
      itself: "out-of-memory",
      child: "out-of-memory",
      other: "killed",
    });
    await until(async () => (await readFile(`${group}/cgroup.procs`, "utf8")) === "");
    await rmdir(String(group));
  },
);
