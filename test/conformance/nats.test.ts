/** The ports on a real nats-server. */
import { afterAll, beforeAll } from "vitest";
import type { NatsCluster } from "../../internal/nats/cluster.ts";
import { newNamespace, openTestCluster } from "../support/nats-cluster.ts";
import { TestServer } from "../support/nats-server.ts";
import type { Fixture, FixtureOptions } from "./fixture.ts";
import { catalogSuite } from "./catalog.suite.ts";
import { checkpointsSuite, historySuite, removalSuite } from "./history.suite.ts";
import { presenceSuite } from "./presence.suite.ts";
import { queuePositionsSuite } from "./queue-positions.suite.ts";
import { deadLettersSuite } from "./dead-letters.suite.ts";
import { logsSuite } from "./logs.suite.ts";
import { runLogSuite } from "./run-log.suite.ts";
import { blobsSuite, deskSuite, leaseSuite } from "./small-ports.suite.ts";
import { redeliverySuite } from "./redelivery.suite.ts";
import { refereeSuite } from "./referee.suite.ts";
import { taskQueueSuite } from "./task-queue.suite.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function make(more: FixtureOptions = {}): Promise<Fixture> {
  const namespace = newNamespace();
  const opened: NatsCluster[] = [];
  return {
    open: async () => {
      const cluster = await openTestCluster({ servers: server.url, namespace, more });
      opened.push(cluster);
      return cluster;
    },
    elapse: (ms) =>
      new Promise((resolve) => {
        setTimeout(resolve, ms);
      }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((cluster) => cluster.close()));
    },
  };
}

runLogSuite("nats", make);
taskQueueSuite("nats", make);
queuePositionsSuite("nats", make);
redeliverySuite("nats", make);
blobsSuite("nats", make);
leaseSuite("nats", make);
deadLettersSuite("nats", make);
presenceSuite("nats", make);
deskSuite("nats", make);
refereeSuite("nats", make);
catalogSuite("nats", make);
historySuite("nats", make);
checkpointsSuite("nats", make);
removalSuite("nats", make);
logsSuite("nats", make);
