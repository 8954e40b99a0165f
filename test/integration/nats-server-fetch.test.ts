/** Several processes that need a nats-server at the same time, and one that dies while it fetches. */
import { readdir, utimes } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Release } from "../../internal/nats/server/release.ts";
import { TestFolder } from "../support/folder.ts";
import { ReleaseServer, withoutPackages } from "../support/nats-release.ts";
import { Snippet } from "../support/snippet.ts";
import { until } from "../support/until.ts";

const FIND = `
  const { findServer } = await load("internal/nats/server/find.js");
  say({ found: await findServer({ path: "", ...input, onProgress: ({ source }) => say({ source }) }) });
`;

interface Said {
  readonly source?: string;
  readonly found?: { readonly path: string };
}

function finder(cacheFolder: string, release: Release): Snippet {
  return new Snippet(FIND, { input: { cacheFolder, release } });
}

async function found(snippet: Snippet): Promise<string | undefined> {
  return (await snippet.says<Said>(({ found }) => found !== undefined)).found?.path;
}

test("one process fetches, the others wait for it and use what it fetched", async () => {
  await using folder = await TestFolder.make();
  await using server = await ReleaseServer.start();
  using _apt = await withoutPackages(folder.path);
  const release = await server.release(join(folder.path, "made"));
  let goOn = (): void => undefined;
  server.answer = (request, response) => {
    goOn = () => server.send(request, response);
  };
  const cache = join(folder.path, "cache");
  await using a = finder(cache, release);
  await using b = finder(cache, release);
  await using c = finder(cache, release);
  const all = [a, b, c];
  // Two of them have come to wait while the third is in the middle of it.
  const sources = (): unknown[] => all.flatMap(({ said }) => (said as Said[]).map(({ source }) => source));
  await until(
    () => sources().filter((source) => source === "cache").length === 2 && server.requests.length > 0,
    sources,
  );
  goOn();
  const path = join(cache, "nats-server", "2.11.3", "nats-server");
  expect(await Promise.all(all.map((each) => found(each)))).toEqual([path, path, path]);
  expect(await Promise.all(all.map(({ ended }) => ended))).toEqual([0, 0, 0]);
  expect(server.requests).toHaveLength(1);
});

test("a process killed in the middle of it is in nobody's way", async () => {
  await using folder = await TestFolder.make();
  await using server = await ReleaseServer.start();
  using _apt = await withoutPackages(folder.path);
  const release = await server.release(join(folder.path, "made"));
  const cache = join(folder.path, "cache");
  const place = join(cache, "nats-server");
  const halves: ServerResponse[] = [];
  server.answer = (_request, response) => {
    response.writeHead(200, { "content-length": 1_000 });
    response.write("half");
    halves.push(response);
  };
  await using killed = finder(cache, release);
  await until(() => halves.length > 0);
  const archives = async (): Promise<string[]> =>
    (await readdir(place, { recursive: true })).filter((name) => name.endsWith(".tar.gz"));
  await until(async () => (await archives()).length > 0);
  killed.kill("SIGKILL");
  await killed.ended;
  // As some seconds would do it: the one who holds the lock has not been heard of for long.
  await utimes(`${place}.lock`, new Date(0), new Date(0));
  server.answer = (request, response) => server.send(request, response);
  await using next = finder(cache, release);
  expect(await found(next)).toBe(join(place, "2.11.3", "nats-server"));
  expect(await next.ended).toBe(0);
  expect(await readdir(place)).toEqual(["2.11.3"]);
});
