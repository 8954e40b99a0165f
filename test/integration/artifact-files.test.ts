/** What becomes of the files of artifacts: when a worker dies, with the history, and in one process. */
import { createHash } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunResult } from "../../internal/core/result.ts";
import { ArtifactCluster } from "../support/artifact-cluster.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

let cluster: ArtifactCluster;
beforeAll(async () => {
  cluster = await ArtifactCluster.start();
});
afterAll(async () => cluster[Symbol.asyncDispose]());

const on_b = { queue: "b" };

describe("what becomes of the files", () => {
  test("a worker that dies while it stores them leaves nothing, another one stores them again, and all goes with the history", async () => {
    const script = `head -c 300000000 /dev/zero > large.bin; echo $JETDAG_ATTEMPT > attempt.txt`;
    const dying = await cluster.worker("dying", "shared");
    const second = await cluster.worker("second", "shared");
    const name = "dying";
    const file = await cluster.folder.write(
      `${name}.json`,
      JSON.stringify({
        name,
        tasks: [
          { id: "make", queue: "shared", command: script, outputs: ["*"] },
          {
            id: "use",
            ...on_b,
            depends_on: ["make"],
            fan_mode: "aggregate",
            command: `sha256sum $(grep -o '/[^"]*large.bin' "$JETDAG_PARAMS_FILE") | cut -c 1-64; cat $(grep -o '/[^"]*attempt.txt' "$JETDAG_PARAMS_FILE")`,
          },
        ],
      }),
    );
    await dying.says("worker started");
    const running = cluster.ask("run", file, "--run-id", name, "--json");
    // Whichever has it.
    const victim = await until(async () => {
      if ((await cluster.stored(name)) < 20) return undefined;
      const held = await cluster.leftIn("dying");
      return held.length > 0 ? ("dying" as const) : ("second" as const);
    });
    const [program, id] = victim === "dying" ? [dying, "dying"] : [second, "second"];
    program.kill("SIGKILL");
    const result = JSON.parse((await running).stdout) as RunResult;
    const zeros = createHash("sha256").update(Buffer.alloc(300_000_000)).digest("hex");
    expect(result.tasks).toMatchObject({
      make: { state: "completed", attempts: 2 },
      use: { state: "completed", output: { stdout: `${zeros}\n2` } },
    });
    await until(
      async () => (await cluster.leftIn(id)).length === 0,
      () => cluster.leftIn(id),
    );
    // Of both attempts.
    expect(await cluster.stored(name)).toBeGreaterThan(20 + Math.ceil(300_000_000 / (512 * 1_024)));
    await using _sweeper = new Program("executor", [
      ...[
        "--nats",
        cluster.server.url,
        "--retire-after",
        "1s",
        "--history-age",
        "1s",
        "--log-level",
        "debug",
      ],
    ]);
    cluster.executor.kill("SIGKILL");
    await until(
      async () => (await cluster.stored(name)) === 0,
      () => cluster.stored(name),
      60_000,
    );
  });

  test("in one process nothing is left either", async () => {
    const home = join(cluster.folder.path, "here");
    await mkdir(home);
    const file = await cluster.folder.write(
      "here.json",
      JSON.stringify({
        name: "here",
        tasks: [
          { id: "noise", type: "function", command: "random", params: { bytes: 2_000_000 } },
          {
            id: "size",
            depends_on: ["noise"],
            fan_mode: "single",
            command: 'wc -c < "$JETDAG_PARAM_file_path"',
          },
        ],
      }),
    );
    const { stdout } = await dag(["run", file, "--functions", cluster.functions, "--json"], { TMPDIR: home });
    expect((JSON.parse(stdout) as RunResult).tasks.size?.output?.stdout).toBe("2000000");
    expect(await readdir(home)).toEqual([]);
  });
});
