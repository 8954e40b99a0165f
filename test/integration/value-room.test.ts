/** Files of artifacts within the room that they have: what has ended makes way for what is new. */
import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { newNamespace, openTestCluster } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

const MIB = 1_024 * 1_024;

test("the oldest runs go with their files, long before their time, and new ones are taken again", async () => {
  await using server = await TestServer.start();
  const namespace = newNamespace();
  const args = ["--nats", server.url, "--namespace", namespace];
  const ports = await openTestCluster({ servers: server.url, namespace });
  await using executor = new Program("executor", [
    ...args,
    "--lease-term",
    "1s",
    "--values-bytes",
    `${16 * MIB}`,
  ]);
  await using worker = new Program("worker", [...args, "--lease-term", "1s"]);
  await using folder = await TestFolder.make();
  const task = { id: "make", command: `head -c ${5 * MIB} /dev/zero > a.bin`, outputs: ["a.bin"] };
  const file = await folder.write("dag.json", JSON.stringify({ name: "files", tasks: [task] }));
  await executor.says("executor started");
  await worker.says("worker started");
  // Three of them are above 70 %.
  for (let n = 1; n <= 6; n++) {
    const ended = await until(
      async () => {
        const { code, stderr } = await dag(["run", file, ...args, "--run-id", `run-${n}`]);
        if (code === 0) return true;
        expect(stderr).toContain("of the room for runs, or for their values, is taken");
        return undefined;
      },
      () => ports.log.end(),
      60_000,
    );
    expect(ended).toBe(true);
  }
  expect((await dag(["status", "run-1", ...args])).code).toBe(2);
  expect((await dag(["status", "run-6", ...args])).stdout).toContain("completed");
  await ports.close();
});

test("a limit that the server has no room for leaves the one that is there, and is told", async () => {
  await using server = await TestServer.start({ maxFileStore: "100M" });
  const namespace = newNamespace();
  const args = ["--nats", server.url, "--namespace", namespace];
  await using executor = new Program("executor", [...args, "--values-bytes", `${1_024 * MIB}`]);
  await executor.says("the server has no room for 1073741824 bytes for the stream");
  await executor.says("executor started");
  const ports = await openTestCluster({ servers: server.url, namespace });
  expect((await ports.log.end()).fill).toBe(0);
  await ports.close();
});
