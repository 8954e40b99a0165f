import { execFile, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findServer, type FindOptions } from "../../internal/nats/server/find.ts";
import { TestFolder } from "../support/folder.ts";
import { serverBinary } from "../support/nats-server.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const PLATFORM = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
const DIST = new URL("../../dist/", import.meta.url);

/** A program that says that it is a nats-server of some version. */
async function fake(folder: string, version: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "nats-server");
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

let folder: TestFolder;
let base: string;
let downloads = 0;
let sum: string;
const server = createServer((request, response) => {
  downloads++;
  if (request.url?.startsWith("/moved") === true) {
    response.writeHead(302, { location: `/files${request.url.slice("/moved".length)}` }).end();
    return;
  }
  readFile(join(folder.path, request.url ?? "")).then(
    (bytes) => response.writeHead(200, { "content-length": bytes.length }).end(bytes),
    () => response.writeHead(404).end(),
  );
});

beforeAll(async () => {
  folder = await TestFolder.make();
  const name = `nats-server-v2.99.1-${PLATFORM}`;
  await fake(join(folder.path, "build", name), "2.99.1");
  await mkdir(join(folder.path, "files", "v2.99.1"), { recursive: true });
  const archive = join(folder.path, "files", "v2.99.1", `${name}.tar.gz`);
  await run("tar", ["-czf", archive, "-C", join(folder.path, "build"), name]);
  sum = createHash("sha256")
    .update(await readFile(archive))
    .digest("hex");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await folder[Symbol.asyncDispose]();
});

let serial = 0;
function options(
  more: Partial<Omit<FindOptions, "cacheFolder">> = {},
): FindOptions & { cacheFolder: string } {
  return {
    path: "",
    cacheFolder: join(folder.path, `cache-${++serial}`),
    release: { version: "2.99.1", base: `${base}/files`, sums: { [PLATFORM]: sum } },
    onProgress: () => undefined,
    ...more,
  };
}

describe("the order in which a nats-server is looked for", () => {
  test("the setting comes first; one that cannot be used is an error, not skipped", async () => {
    const path = await fake(join(folder.path, "set"), "2.11.0");
    const onPath = await fake(join(folder.path, "on-path"), "2.12.0");
    const both = { path: join(onPath, "..") };
    expect(await findServer(options({ ...both, setting: path }))).toEqual({ path, version: "2.11.0" });
    await expect(findServer(options({ ...both, setting: "/nowhere/nats-server" }))).rejects.toThrow(
      "'/nowhere/nats-server', cannot be used",
    );
    const old = await fake(join(folder.path, "set-old"), "2.8.4");
    await expect(findServer(options({ setting: old }))).rejects.toThrow(
      "is version 2.8.4; 2.9 or newer is needed",
    );
  });

  test("then PATH, if it is new enough; then the cache; then the release, which is cached", async () => {
    const current = await fake(join(folder.path, "path-new"), "2.10.0");
    expect((await findServer(options({ path: `/nowhere:${join(current, "..")}` }))).path).toBe(current);
    const old = await fake(join(folder.path, "path-old"), "2.9.10");
    const asked = options({ path: join(old, "..") });
    const before = downloads;
    const found = await findServer(asked);
    expect(found).toEqual({
      path: join(asked.cacheFolder, "nats-server", "2.99.1", "nats-server"),
      version: "2.99.1",
    });
    expect(await findServer(asked)).toEqual(found);
    expect(downloads - before).toBe(1);
  });

  test("redirects are followed, progress is told", async () => {
    const steps: (number | undefined)[] = [];
    await findServer(
      options({
        release: { version: "2.99.1", base: `${base}/moved`, sums: { [PLATFORM]: sum } },
        onProgress: ({ bytes, total }) => steps.push(bytes === total ? total : 0),
      }),
    );
    expect(steps.at(-1)).toBeGreaterThan(0);
  });

  test.each([
    ["a wrong sum", { sums: { [PLATFORM]: "0".repeat(64) } }, "SHA-256"],
    ["no such release", { version: "2.99.2", sums: { [PLATFORM]: "0".repeat(64) } }, "status 404"],
    ["another platform", { sums: {} }, "there is no release for"],
  ])(
    "%s: nothing is kept, an old one on PATH is used with a warning that says why",
    async (_name, change, reason) => {
      const old = await fake(join(folder.path, "path-old"), "2.9.10");
      // Without apt-get on PATH the distribution's package cannot be had either.
      const release = { version: "2.99.1", base: `${base}/files`, ...change };
      const asked = options({ path: join(old, ".."), release });
      const PATH = process.env.PATH;
      process.env.PATH = "";
      try {
        const { path, warning } = await findServer(asked);
        expect(path).toBe(old);
        expect(warning).toContain(reason);
        expect(await readdir(join(asked.cacheFolder, "nats-server"))).toEqual([]);
        await expect(findServer({ ...asked, path: "" })).rejects.toThrow(
          /Ways to get one:[\s\S]*--nats-server PATH/,
        );
      } finally {
        process.env.PATH = PATH;
      }
    },
  );

  test("processes that look at the same time fetch once", async () => {
    const asked = options();
    const script = await folder.write(
      "find.mjs",
      `import { findServer } from ${JSON.stringify(new URL("internal/nats/server/find.js", DIST).href)};
       const found = await findServer({ ...JSON.parse(process.argv[2]), onProgress: () => undefined });
       process.send(found.path);`,
    );
    const before = downloads;
    const paths = await Promise.all(
      Array.from({ length: 4 }, () => {
        const child = fork(script, [JSON.stringify(asked)]);
        return new Promise((resolve, reject) => {
          child.once("message", resolve);
          child.once("exit", (code) => code !== 0 && reject(new Error(`exit ${String(code)}`)));
        });
      }),
    );
    expect(new Set(paths).size).toBe(1);
    expect(downloads - before).toBe(1);
  });
});

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("the server ends with its parent, also by kill -9, and leaves nothing behind", async () => {
  const script = await folder.write(
    "parent.mjs",
    `import { runServer } from ${JSON.stringify(new URL("internal/nats/server/run.js", DIST).href)};
     const { pid, url } = await runServer({ binary: process.argv[2] });
     process.send({ pid, url });
     setInterval(() => {}, 1000);`,
  );
  const parent = fork(script, [await serverBinary()], { env: { ...process.env, TMPDIR: folder.path } });
  const { pid } = await new Promise<{ pid: number }>((resolve) => {
    parent.once("message", (message) => resolve(message as { pid: number }));
  });
  const home = await until(async () =>
    (await readdir(folder.path)).find((name) => name.startsWith("jetdag-nats-")),
  );
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await until(() => !isAlive(pid));
  await until(async () => !(await readdir(folder.path)).includes(home));
});

test("a server that cannot start says why", async () => {
  const { runServer } = await import("../../internal/nats/server/run.ts");
  const bad = join(await folder.write("no-folder", "a file"), "store");
  await expect(runServer({ binary: await serverBinary(), folder: bad })).rejects.toThrow("ENOTDIR");
  const fails = await fake(join(folder.path, "fails"), "2.10.0");
  await expect(runServer({ binary: fails })).rejects.toThrow(
    /did not start: it ended at once; its log ends with:\nnats-server: v2\.10\.0/,
  );
});
