import { expect, test } from "vitest";
import { TestServer } from "../support/nats-server.ts";

test("restarts on the same port", async () => {
  await using server = await TestServer.start();
  const before = { port: server.port, pid: server.pid };
  await server.kill();
  await server.restart();
  expect(server.port).toBe(before.port);
  expect(server.pid).not.toBe(before.pid);
});
