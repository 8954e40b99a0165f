/** In which order a nats-server is looked for, and what is said when there is none. */
import { chmod, mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { compareVersions } from "../../internal/nats/server/binary.ts";
import {
  type FindOptions,
  type FindProgress,
  findServer,
  type FoundServer,
  ServerNotFound,
} from "../../internal/nats/server/find.ts";
import { TestFolder } from "../support/folder.ts";
import { fakeServer, ReleaseServer, withoutPackages } from "../support/nats-release.ts";

class World {
  readonly folder: TestFolder;
  readonly releases: ReleaseServer;
  readonly progress: FindProgress[] = [];
  readonly #apt: Disposable;

  private constructor(folder: TestFolder, releases: ReleaseServer, apt: Disposable) {
    this.folder = folder;
    this.releases = releases;
    this.#apt = apt;
  }

  static async make(): Promise<World> {
    const folder = await TestFolder.make();
    return new World(folder, await ReleaseServer.start(), await withoutPackages(folder.path));
  }

  path(...parts: string[]): string {
    return join(this.folder.path, ...parts);
  }

  get cache(): string {
    return this.path("cache", "nats-server");
  }

  async find(options: Partial<FindOptions> = {}): Promise<FoundServer> {
    return findServer({
      path: "",
      cacheFolder: this.path("cache"),
      release: await this.releases.release(this.path("releases")),
      onProgress: (progress) => void this.progress.push(progress),
      ...options,
    });
  }

  /** The message of the refusal. */
  async refusal(options: Partial<FindOptions>): Promise<string> {
    try {
      const { path } = await this.find(options);
      throw new Error(`${path} was found`);
    } catch (error) {
      if (error instanceof ServerNotFound) return error.message;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#apt[Symbol.dispose]();
    await this.releases[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}

describe("the setting", () => {
  test("comes before all else", async () => {
    await using world = await World.make();
    const setting = await fakeServer(world.path("mine"), { version: "2.10.0" });
    await fakeServer(world.path("bin", "nats-server"), { version: "2.15.1" });
    expect(await world.find({ setting, path: world.path("bin") })).toEqual({
      path: setting,
      version: "2.10.0",
    });
  });

  test("may be relative, and is given on as a whole path", async () => {
    await using world = await World.make();
    const path = await fakeServer(world.path("mine"));
    expect((await world.find({ setting: relative(process.cwd(), path) })).path).toBe(path);
  });

  test.each([
    ["is not there", "missing", /there is no such file/],
    ["is a folder", "folder", /permission denied/],
    ["may not be run", "text", /permission denied/],
    ["is another program", "other", /does not answer '--version' like a nats-server/],
    ["fails", "failing", /Command failed.*no luck/],
    ["is no program at all", "bytes", /Command failed/],
    ["is too old", "old", /is version 2\.8\.4; 2\.9 or newer is needed/],
  ])("is never passed over: it %s", async (_what, name, reason) => {
    await using world = await World.make();
    await fakeServer(world.path("bin", "nats-server"));
    await mkdir(world.path("folder"));
    await world.folder.write("text", "nats-server: v2.11.3");
    await world.folder.write("bytes", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0]));
    await chmod(world.path("bytes"), 0o755);
    await fakeServer(world.path("other"), { script: "echo 2.11.3" });
    await fakeServer(world.path("failing"), { script: "echo no luck >&2; exit 3" });
    await fakeServer(world.path("old"), { version: "2.8.4" });
    const message = await world.refusal({ setting: world.path(name), path: world.path("bin") });
    expect(message).toMatch(reason);
    expect(message).toContain(world.path(name));
    expect(world.releases.requests).toEqual([]);
  });

  test("that is a bare name is not looked up on PATH", async () => {
    await using world = await World.make();
    expect(await world.refusal({ setting: "sh" })).toContain("there is no such file");
  });

  test("below 2.10 is used with a warning", async () => {
    await using world = await World.make();
    const setting = await fakeServer(world.path("mine"), { version: "2.9.10" });
    expect((await world.find({ setting })).warning).toContain("nats-server 2.9.10");
  });
});

describe("PATH", () => {
  test("the first that is new enough is taken; what does not run or is too old is not", async () => {
    await using world = await World.make();
    await fakeServer(world.path("a", "nats-server"), { script: "exit 1" });
    await fakeServer(world.path("b", "nats-server"), { version: "2.9.25" });
    await mkdir(world.path("c", "nats-server"), { recursive: true });
    await mkdir(world.path("d"));
    await writeFile(world.path("d", "nats-server"), "");
    const first = await fakeServer(world.path("e", "nats-server"), { version: "2.10.0" });
    await fakeServer(world.path("f", "nats-server"), { version: "2.15.1" });
    const folders = ["missing", "a", "b", "c", "d", "e", "f"].map((name) => world.path(name));
    expect(await world.find({ path: ["", ...folders].join(delimiter) })).toEqual({
      path: first,
      version: "2.10.0",
    });
    expect(world.releases.requests).toEqual([]);
  });

  test("one that hangs is given up, and the next is taken", async () => {
    await using world = await World.make();
    await fakeServer(world.path("a", "nats-server"), { script: "trap '' TERM; exec sleep 60" });
    const next = await fakeServer(world.path("b", "nats-server"));
    const found = await world.find({ path: [world.path("a"), world.path("b")].join(delimiter) });
    expect(found.path).toBe(next);
  });

  test("an older one serves at last, with a warning that says why", async () => {
    await using world = await World.make();
    const path = await fakeServer(world.path("bin", "nats-server"), { version: "2.9.10" });
    world.releases.answer = (_request, response) => void response.writeHead(503).end();
    const found = await world.find({ path: world.path("bin") });
    expect(found).toMatchObject({ path, version: "2.9.10" });
    expect(found.warning).toMatch(/2\.9\.10 .* is old; .*status 503/);
  });
});

describe("the cache", () => {
  test("comes after PATH and before the release; its newest that runs is taken", async () => {
    await using world = await World.make();
    await fakeServer(join(world.cache, "2.10.9", "nats-server"), { version: "2.10.9" });
    const newest = await fakeServer(join(world.cache, "2.10.11", "nats-server"), { version: "2.10.11" });
    await fakeServer(join(world.cache, "2.12.0", "nats-server"), { script: "exit 1" });
    await fakeServer(join(world.cache, ".fetching-x", "nats-server"), { version: "2.99.0" });
    expect((await world.find()).path).toBe(newest);
    expect(world.releases.requests).toEqual([]);
  });

  test("holds what was fetched; the second time nothing is", async () => {
    await using world = await World.make();
    const path = join(world.cache, "2.11.3", "nats-server");
    expect(await world.find()).toEqual({ path, version: "2.11.3" });
    expect(await world.find()).toEqual({ path, version: "2.11.3" });
    expect(world.releases.requests).toHaveLength(1);
    expect(await readdir(world.cache)).toEqual(["2.11.3"]);
  });

  test("replaces a broken one, and clears what a killed process left", async () => {
    await using world = await World.make();
    const path = await fakeServer(join(world.cache, "2.11.3", "nats-server"), { script: "exit 1" });
    await fakeServer(join(world.cache, ".fetching-old", "nats-server"));
    await fakeServer(join(world.cache, ".staged-old", "nats-server"));
    expect(await world.find()).toEqual({ path, version: "2.11.3" });
    expect(await readdir(world.cache)).toEqual(["2.11.3"]);
  });

  test("with an older one warns", async () => {
    await using world = await World.make();
    await fakeServer(join(world.cache, "2.9.10", "nats-server"), { version: "2.9.10" });
    expect((await world.find()).warning).toContain("remove it to fetch anew");
  });

  test("with a lock that nobody holds any more", async () => {
    await using world = await World.make();
    await mkdir(`${world.cache}.lock`, { recursive: true });
    await utimes(`${world.cache}.lock`, new Date(0), new Date(0));
    expect((await world.find()).version).toBe("2.11.3");
  });

  test("that cannot be written is one of the reasons, not the end", async () => {
    await using world = await World.make();
    await world.folder.write("cache", "a file");
    const path = await fakeServer(world.path("bin", "nats-server"), { version: "2.9.10" });
    const found = await world.find({ path: world.path("bin") });
    expect(found.path).toBe(path);
    expect(found.warning).toContain(`cache folder ${world.cache}: ENOTDIR`);
  });
});

test("when all fails, one error lists what was tried and the ways to get one", async () => {
  await using world = await World.make();
  const tooOld = await fakeServer(world.path("a", "nats-server"), { version: "2.2.0" });
  const broken = await fakeServer(world.path("b", "nats-server"), { script: "exit 1" });
  world.releases.answer = (_request, response) => void response.writeHead(404).end();
  const message = await world.refusal({ path: [world.path("a"), world.path("b")].join(delimiter) });
  expect(message).toContain(`PATH: ${tooOld} is version 2.2.0; 2.9 or newer is needed`);
  expect(message).toContain(`PATH: ${broken} cannot be used`);
  expect(message).toMatch(/official release 2\.11\.3: http.*status 404/);
  expect(message).toMatch(/distribution's package: (apt has no source|this is neither)/);
  expect(message).toContain("--nats-server PATH or JETDAG_NATS_SERVER=PATH");
  expect(message).toContain("apt-get install nats-server");
  expect(await readdir(world.cache)).toEqual([]);
});

test("versions are compared by number", () => {
  const versions = ["2.9.10", "2.10.0", "2.2.11", "10.0.0", "2.10.0"];
  expect(versions.toSorted(compareVersions)).toEqual(["2.2.11", "2.9.10", "2.10.0", "2.10.0", "10.0.0"]);
});
