/** Does the network of the fault tests do what a real one does? */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";

/** What a server has heard, and its side of the newest connection. */
let server: Server;
let proxy: TcpProxy;
let heard: string;
let said: string;
let theirs: Socket;
let ours: Socket;

beforeEach(async () => {
  heard = "";
  said = "";
  server = createServer((socket) => {
    theirs = socket.on("error", () => undefined);
    socket.on("data", (bytes) => (heard += bytes.toString()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await TcpProxy.before((server.address() as AddressInfo).port);
  ours = connect(proxy.port, "127.0.0.1").on("error", () => undefined);
  ours.on("data", (bytes) => (said += bytes.toString()));
  ours.write("a");
  await until(() => heard === "a");
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  server.close();
});

/** A way around the proxy would be no proof; a later connection's bytes have passed by the same loop. */
async function nothingPasses(): Promise<void> {
  const other = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const before = theirs;
  await until(() => theirs !== before);
  other.destroy();
  theirs = before;
}

test("what is dropped arrives once it passes again, in order and after its delay", async () => {
  proxy.drop();
  ours.write("b");
  theirs.write("x");
  await nothingPasses();
  expect([heard, said]).toEqual(["a", ""]);
  ours.write("c");
  const from = performance.now();
  proxy.pass(30);
  ours.write("d");
  await until(() => heard === "abcd" && said === "x");
  expect(performance.now() - from).toBeGreaterThan(25);
});

test("half open: the server hears nothing, and is heard", async () => {
  proxy.halfOpen();
  ours.write("b");
  theirs.write("x");
  await until(() => said === "x");
  expect(heard).toBe("a");
  proxy.pass();
  await until(() => heard === "ab");
});

test("the end of one side is not known to the other before it passes again", async () => {
  proxy.drop();
  ours.destroy();
  await until(() => ours.closed);
  await nothingPasses();
  expect(theirs.destroyed).toBe(false);
  proxy.pass();
  await until(() => theirs.destroyed);
});

test("cut: both sides are reset, and so is who connects until it passes again", async () => {
  proxy.cut();
  await until(() => ours.destroyed && theirs.destroyed);
  const refused = connect(proxy.port, "127.0.0.1").on("error", () => undefined);
  await until(() => refused.destroyed);
  proxy.pass();
  connect(proxy.port, "127.0.0.1").end("z");
  await until(() => heard === "az");
  expect(said).toBe("");
});
