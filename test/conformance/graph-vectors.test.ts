/** Do the graphs of the test vectors pass on a real server too? */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newNamespace, openTestCluster } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import { graphDistributed } from "../vectors-run/graph-distributed.ts";
import { runFile } from "../vectors-run/run-folder.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const onNats = graphDistributed("distributed executor, on NATS", async () => {
  const cluster = await openTestCluster({ servers: server.url, namespace: newNamespace() });
  return { ports: cluster, close: () => cluster.close() };
});

test.each(["test/vectors", "test/vectors-own"])("%s", async (folder) => {
  const report = await runFile(folder, onNats, {});
  expect(report).toMatchObject({ failed: [], open: [] });
  expect(report?.passed).toBeGreaterThan(30);
});
