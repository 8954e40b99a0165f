/** The distribution's package on Debian and Ubuntu: by the machine's own apt, from a mirror of ours. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { findServer, type FoundServer } from "../../internal/nats/server/find.ts";
import { TestFolder } from "../support/folder.ts";
import { aptConfiguration, fakeServer, ReleaseServer } from "../support/nats-release.ts";

const run = promisify(execFile);

const about = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
const id = /^ID="?(\w+)/m.exec(about)?.[1] ?? "";
const codename = /^VERSION_CODENAME="?(\w+)/m.exec(about)?.[1] ?? "";
const component = id === "ubuntu" ? "universe" : "main";
/** Newest first. */
const suites = id === "ubuntu" ? ["resolute", "noble"] : ["forky", "trixie"];
const [newest = "", older = ""] = suites;

/** A mirror, the machine's apt sources that name it, and a cache. */
class World {
  readonly folder: TestFolder;
  readonly mirror: ReleaseServer;
  readonly #apt: Disposable;

  private constructor(folder: TestFolder, mirror: ReleaseServer, apt: Disposable) {
    this.folder = folder;
    this.mirror = mirror;
    this.#apt = apt;
  }

  static async make({ unsigned }: { readonly unsigned: "allowed" | "refused" }): Promise<World> {
    const folder = await TestFolder.make();
    const mirror = await ReleaseServer.start();
    const list = [
      `deb ${mirror.url}/security ${codename}-security ${component}`,
      `deb ${mirror.url}/archive ${codename} ${component}`,
    ];
    const allow = unsigned === "allowed" ? "true" : "false";
    const configuration = [
      `Dir::Etc::sourcelist "${await folder.write("machine.list", `${list.join("\n")}\n`)}";`,
      'Dir::Etc::sourceparts "/dev/null";',
      // As on an image without package lists.
      `Dir::State::lists "${join(folder.path, "no-lists")}";`,
      'Acquire::http::Proxy::127.0.0.1 "DIRECT";',
      `Acquire::AllowInsecureRepositories "${allow}";`,
      `APT::Get::AllowUnauthenticated "${allow}";`,
      // Must not keep apt from a suite that the machine does not have.
      `APT::Default-Release "${codename}";`,
    ];
    const file = await folder.write("apt.conf", `${configuration.join("\n")}\n`);
    return new World(folder, mirror, aptConfiguration(file));
  }

  get cache(): string {
    return join(this.folder.path, "cache", "nats-server");
  }

  async offer(suite: string, version: string): Promise<void> {
    const tree = join(this.folder.path, suite);
    await fakeServer(join(tree, "usr", "sbin", "nats-server"), { version });
    const arch = (await run("dpkg", ["--print-architecture"])).stdout.trim();
    const control = {
      Package: "nats-server",
      Version: version,
      Architecture: arch,
      Maintainer: "nobody <nobody@example.org>",
      Description: "for a test",
    };
    const fields = Object.entries(control).map(([name, value]) => `${name}: ${value}\n`);
    await mkdir(join(tree, "DEBIAN"));
    await writeFile(join(tree, "DEBIAN", "control"), fields.join(""));
    await run("dpkg-deb", ["--root-owner-group", "--build", tree, `${tree}.deb`]);
    const archive = await readFile(`${tree}.deb`);
    const place = `pool/${suite}/nats-server.deb`;
    const index = `${fields.join("")}Filename: ${place}\nSize: ${archive.length}\nSHA256: ${sha256(archive)}\n`;
    const indexPlace = `${component}/binary-${arch}/Packages`;
    const release = [
      `Suite: ${suite}`,
      `Codename: ${suite}`,
      `Architectures: ${arch}`,
      `Components: ${component}`,
      "Date: Thu, 01 Jan 2026 00:00:00 UTC",
      `SHA256:\n ${sha256(Buffer.from(index))} ${index.length} ${indexPlace}`,
    ];
    this.mirror.put(`/archive/${place}`, archive);
    this.mirror.put(`/archive/dists/${suite}/${indexPlace}`, index);
    this.mirror.put(`/archive/dists/${suite}/Release`, `${release.join("\n")}\n`);
  }

  async find({ answerWithinMs = 60_000 } = {}): Promise<FoundServer> {
    return findServer({
      path: "",
      cacheFolder: join(this.folder.path, "cache"),
      release: { version: "2.14.5", base: this.mirror.url, sums: {} },
      answerWithinMs,
      onProgress: () => undefined,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#apt[Symbol.dispose]();
    await this.mirror[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

describe.runIf(["debian", "ubuntu"].includes(id))("the distribution's package", () => {
  test("comes from the archive that the machine's release comes from, newest suite first", async () => {
    await using world = await World.make({ unsigned: "allowed" });
    await world.offer(older, "2.10.27");
    await world.offer(newest, "2.15.1");
    const path = join(world.cache, "2.15.1", "nats-server");
    expect(await world.find()).toEqual({ path, version: "2.15.1" });
    expect(await readdir(world.cache)).toEqual(["2.15.1"]);
    expect(world.mirror.requests.filter((path) => !path.startsWith("/archive/"))).toEqual([]);
  });

  test("comes from the next suite when the mirror lacks one, or when its program does not run here", async () => {
    await using world = await World.make({ unsigned: "allowed" });
    await world.offer(older, "2.10.27");
    expect((await world.find()).version).toBe("2.10.27");
    await using other = await World.make({ unsigned: "allowed" });
    await other.offer(newest, "2.8.0");
    await other.offer(older, "2.10.27");
    expect((await other.find()).version).toBe("2.10.27");
  });

  test("is checked by apt: an archive that nobody signed is refused", async () => {
    await using world = await World.make({ unsigned: "refused" });
    await world.offer(newest, "2.15.1");
    await expect(world.find()).rejects.toThrow(new RegExp(`${newest}: .*not signed`));
    expect(await readdir(world.cache)).toEqual([]);
  });

  test("costs one wait when the mirror accepts and says nothing", async () => {
    await using world = await World.make({ unsigned: "allowed" });
    world.mirror.answer = () => undefined;
    const said = new RegExp(`package: ${newest}: the mirror gives no answer within 2 s$`, "m");
    await expect(world.find({ answerWithinMs: 2_000 })).rejects.toThrow(said);
  });
});
