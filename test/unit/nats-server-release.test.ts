/** Downloading the official release: from a local server, with an archive and sums of our own. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inspectBinary } from "../../internal/nats/server/binary.ts";
import { fetchRelease, OFFICIAL, type Release, releasePlatform } from "../../internal/nats/server/release.ts";
import { TestFolder } from "../support/folder.ts";
import { ReleaseServer } from "../support/nats-release.ts";

const FOREVER = 60_000;

async function get(
  release: Release,
  folder: string,
  { answerWithinMs = FOREVER, onBytes = (_bytes: number, _total?: number): void => undefined } = {},
): Promise<string> {
  return fetchRelease(release, { folder, answerWithinMs, onBytes });
}

async function reasonOf(release: Release, answerWithinMs = FOREVER): Promise<string> {
  await using folder = await TestFolder.make();
  const error = await get(release, folder.path, { answerWithinMs }).then(
    () => new Error("it was fetched"),
    (error: Error) => error,
  );
  // Nothing that could be run is left of it.
  expect(await readdir(folder.path, { recursive: true })).not.toContain("unpacked/nats-server");
  return error.message;
}

test("downloads, checks and unpacks, and tells how far it is", async () => {
  await using folder = await TestFolder.make();
  await using server = await ReleaseServer.start();
  const release = await server.release(join(folder.path, "made"));
  const seen: (number | undefined)[][] = [];
  const path = await get(release, folder.path, { onBytes: (bytes, total) => void seen.push([bytes, total]) });
  expect((await inspectBinary(path)).version).toBe("2.11.3");
  const [bytes, total] = seen.at(-1) ?? [];
  expect(total).toBeGreaterThan(0);
  expect(bytes).toBe(total);
});

test("follows to another host", async () => {
  await using folder = await TestFolder.make();
  await using store = await ReleaseServer.start();
  await using server = await ReleaseServer.start();
  const release = await store.release(join(folder.path, "made"));
  server.answer = ({ url = "" }, response) =>
    void response.writeHead(302, { location: `${store.url.replace("127.0.0.1", "localhost")}${url}` }).end();
  const path = await get({ ...release, base: server.url }, folder.path);
  expect((await inspectBinary(path)).version).toBe("2.11.3");
  expect(store.requests).toHaveLength(1);
});

test("an archive with another sum is refused, and both sums are named", async () => {
  await using folder = await TestFolder.make();
  await using server = await ReleaseServer.start();
  const release = await server.release(folder.path);
  const sum = release.sums[releasePlatform()];
  const wanted = "0".repeat(64);
  const message = await reasonOf({ ...release, sums: { [releasePlatform()]: wanted } });
  expect(message).toContain(wanted);
  expect(message).toContain(sum);
});

test("a download that breaks off is refused", async () => {
  await using folder = await TestFolder.make();
  await using server = await ReleaseServer.start();
  const release = await server.release(folder.path);
  server.answer = (_request, response) => {
    response.writeHead(200, { "content-length": 1_000 });
    response.write("half", () => response.socket?.destroy());
  };
  expect(await reasonOf(release)).toContain("the download broke off");
});

test("a download that ends early without a length is refused by its sum", async () => {
  await using folder = await TestFolder.make();
  await using server = await ReleaseServer.start();
  const release = await server.release(folder.path);
  server.answer = (_request, response) => void response.writeHead(200).end("half");
  expect(await reasonOf(release)).toContain("SHA-256");
});

test("what the server says is told", async () => {
  await using folder = await TestFolder.make();
  await using server = await ReleaseServer.start();
  const release = await server.release(folder.path);
  expect(await reasonOf({ ...release, version: "9.9.9" })).toMatch(/^http.*v9\.9\.9.*status 404/);
});

test("a server that accepts and says nothing is given up", async () => {
  await using folder = await TestFolder.make();
  await using server = await ReleaseServer.start();
  const release = await server.release(folder.path);
  server.answer = () => undefined;
  expect(await reasonOf(release, 200)).toContain("no answer within 0.2 s");
});

test("nobody there", async () => {
  await using folder = await TestFolder.make();
  const server = await ReleaseServer.start();
  const release = await server.release(folder.path);
  await server[Symbol.asyncDispose]();
  expect(await reasonOf(release)).toContain("ECONNREFUSED");
});

test("a platform without a release", async () => {
  expect(await reasonOf({ ...OFFICIAL, sums: {} })).toContain(`no release for ${releasePlatform()}`);
});

test("the pinned release has a sum for every platform that it is offered for", () => {
  expect(Object.keys(OFFICIAL.sums).toSorted()).toEqual([
    "darwin-amd64",
    "darwin-arm64",
    "linux-amd64",
    "linux-arm64",
  ]);
  for (const sum of Object.values(OFFICIAL.sums)) expect(sum).toMatch(/^[0-9a-f]{64}$/);
});
