/** What attempts hand over: whatever is in it, there is an outcome. */
import { execFileSync } from "node:child_process";
import { appendFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ArtifactPiece } from "../../internal/core/artifact.ts";
import { encodeFact } from "../../internal/contract/facts.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import type { NewArtifact } from "../../internal/core/new-artifact.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { Blobs } from "../../internal/ports/blobs.ts";
import type { HostFiles } from "../../internal/ports/host-files.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import type { AttemptOptions } from "../../internal/worker/attempt.ts";
import { outcomes } from "../conformance/samples.ts";
import { blobs, handOver, inline } from "../support/artifact-attempts.ts";
import { TestFolder } from "../support/folder.ts";
import { overriding } from "../support/overriding.ts";
import { secretsOf } from "../support/secrets.ts";

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => folder[Symbol.asyncDispose]());

function at(name: string): string {
  return join(folder.path, name);
}

describe("what is handed over", () => {
  test("records have metadata alone, files their size and type; ids, names and types are found where none are given", async () => {
    const path = await folder.write("report.csv", "a,b\n");
    const outcome = await handOver([
      { metadata: { title: "One" } },
      { name: "movie.mkv", id: "mine", origin: null },
      { path },
      { path, name: "out/other.bin", mimeType: "x/y", origin: "mine" },
    ]);
    expect(inline(outcome)).toEqual([
      { id: "extract.0.1.1", name: "", size: null, mimeType: null, metadata: { title: "One" } },
      { id: "mine", name: "movie.mkv", size: null, mimeType: "video/x-matroska", metadata: {}, origin: null },
      {
        id: "extract.0.1.3",
        name: "report.csv",
        size: 4,
        mimeType: "text/csv",
        metadata: {},
        file: {
          name: expect.stringMatching(/^art-extract-0-1-[\w-]+-2$/) as string,
          bytes: 4,
          chunks: 1,
          sha256: expect.stringMatching(/^\w{64}$/) as string,
        },
      },
      expect.objectContaining({ name: "out/other.bin", mimeType: "x/y", origin: "mine", size: 4 }),
    ]);
  });

  test("no secret is in it", async () => {
    const outcome = await handOver(
      [{ name: "s3cr3t-t0k3n.txt", metadata: { url: "http://s3cr3t-t0k3n@x" } }],
      {
        own: { token: "secret://TOKEN" },
      },
    );
    expect(inline(outcome)).toHaveLength(1);
    expect(JSON.stringify(outcome)).not.toContain("s3cr3t");
  });

  test("a secret that is like a size, or like the name of a field, takes nothing else away", async () => {
    const path = await folder.write("sized.bin", "x".repeat(12_345));
    const more = { own: { a: "secret://DIGITS", b: "secret://WORD" } };
    const secrets = secretsOf({ DIGITS: "2345", WORD: "metadata" });
    const outcome = await handOver([{ path, metadata: { day: "Monday", n: 12_345 } }], { ...more, secrets });
    expect(inline(outcome)).toMatchObject([{ size: 12_345, metadata: { day: "Monday", n: "1***" } }]);
  });

  test("two that are told apart by secrets alone are not told apart", async () => {
    const own = { a: "secret://ONE", b: "secret://TWO" };
    const secrets = secretsOf({ ONE: "s3cr3t-one", TWO: "s3cr3t-two" });
    const outcome = await handOver([{ id: "of s3cr3t-one" }, { id: "of s3cr3t-two" }], { own, secrets });
    expect(outcome).toMatchObject({
      state: "failed",
      error: { reason: "bad-output", message: "artifact 2: another one has the id 'of ***' too" },
    });
  });

  test("many are told in pieces before, each of which fits into a fact", async () => {
    const told: ArtifactPiece[] = [];
    const all = Array.from({ length: 100_000 }, (_, n) => ({ metadata: { n, text: 'é\u0001"'.repeat(10) } }));
    const outcome = await handOver(all, { tell: async (_work, piece) => void told.push(piece) });
    if (outcome.state !== "completed") throw new Error(JSON.stringify(outcome));
    const sets = new Set(told.map(({ set }) => set));
    expect(outcome.artifacts).toEqual({ set: [...sets][0], pieces: told.length });
    expect(sets.size).toBe(1);
    expect(told.map(({ piece }) => piece)).toEqual(told.map((_, i) => i));
    expect(told.flatMap(({ artifacts }) => artifacts.map(({ metadata }) => metadata.n))).toEqual(
      all.map((_, n) => n),
    );
    const largest = Math.max(
      ...told.map((each) => encodeFact(outcomes(1, { items: [], pieces: [each] })).length),
    );
    expect(largest).toBeLessThan(256 * 1_024);
  });

  test("who runs the same attempt once more stores and tells under other names", async () => {
    const path = await folder.write("twice.txt", "x");
    const sets: string[] = [];
    const many = Array.from({ length: 3_000 }, () => ({ metadata: { text: "x".repeat(50) } }));
    const tell: AttemptOptions["tell"] = async (_work, { set }) => void sets.push(set);
    await Promise.all([handOver(many, { tell }), handOver(many, { tell })]);
    expect(new Set(sets).size).toBe(2);
    const [a, b] = await Promise.all([handOver([{ path }]), handOver([{ path }])]);
    expect(inline(a)[0]?.file?.name).not.toBe(inline(b)[0]?.file?.name);
  });
});

describe("what cannot be handed over", () => {
  const long = (bytes: number): JsonObject => ({ text: "x".repeat(bytes) });
  test.each<[string, unknown[], string]>([
    ["no map", ["report.csv"], "artifact 1: must be a map"],
    ["null", [{}, null], "artifact 2: must be a map"],
    ["metadata that are no map", [{ metadata: [1] }], "artifact 1: metadata: must be a map"],
    ["metadata that are too large", [{ metadata: long(66_000) }], "larger than 65536 bytes"],
    [
      "metadata that are too deep",
      [{ metadata: JSON.parse(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`) as object }],
      "more than 100 levels",
    ],
    ["an id that is none", [{ id: 7 }], "artifact 1: id: must be text"],
    ["the same id twice", [{ id: "a" }, { id: "a" }], "artifact 2: another one has the id 'a' too"],
    ["an id that is drawn for another", [{}, { id: "extract.0.1.1" }], "artifact 2: another one"],
    ["a name that never ends", [{ name: "x".repeat(5_000) }], "name: must be text of 1 to 4096"],
    ["a path that is no text", [{ path: 1 }], "path: must be text"],
    ["a path with NUL", [{ path: "a\0b" }], "NUL"],
    ["an origin that is none", [{ origin: "" }], "origin: must be null, or text"],
    ["a file that is not there", [{ path: "/nowhere/a.csv" }], 'artifact 1 ("a.csv"): the file is not there'],
    ["a folder", [{ path: "/tmp" }], "is a folder, and no file"],
    ["a device", [{ path: "/dev/null" }], "is no plain file"],
  ])("%s", async (_name, artifacts, why) => {
    const outcome = await handOver(artifacts as NewArtifact[]);
    expect(outcome).toMatchObject({ state: "failed", error: { reason: "bad-output" } });
    expect(outcome.state === "failed" && outcome.error.message).toContain(why);
  });

  test("no list", async () => {
    const outcome = await handOver({ path: "x" } as unknown as NewArtifact[]);
    expect(outcome).toMatchObject({ state: "failed", error: { reason: "invalid-outcome" } });
  });

  test("a pipe, which would keep the worker waiting", async () => {
    const path = at("pipe");
    execFileSync("mkfifo", [path]);
    expect(await handOver([{ path }])).toMatchObject({
      error: { message: expect.stringContaining("no plain file") as string },
    });
  });

  test("more than is allowed: in number, in bytes, and in metadata", async () => {
    const path = await folder.write("ten", "0123456789");
    const artifactLimits = { bytes: 25, count: 3 };
    const reason = "bad-output";
    expect(await handOver([{}, {}, {}, {}], { artifactLimits })).toMatchObject({
      error: { reason, message: "it hands over 4 artifacts; at most 3 are allowed, see --artifact-count" },
    });
    expect(await handOver([{ path }, { path }, { path }], { artifactLimits })).toMatchObject({
      error: { reason, message: expect.stringContaining("more than 25 bytes together") as string },
    });
    const large = Array.from({ length: 1_130 }, () => ({ metadata: long(60_000) }));
    expect(await handOver(large)).toMatchObject({
      error: { reason, message: expect.stringContaining("67108864 bytes together") as string },
    });
  });

  test("a file that is not in the folder where it must be", async () => {
    const inside = at("task");
    await mkdir(join(inside, "out"), { recursive: true });
    await writeFile(join(inside, "out/a"), "a");
    const secret = await folder.write("secret", "s");
    await symlink(secret, join(inside, "link"));
    await symlink(at("."), join(inside, "up"));
    await symlink("out/a", join(inside, "fine"));
    await symlink("loop", join(inside, "loop"));
    await symlink("nothing", join(inside, "dangling"));
    const of = (path: string): Promise<Outcome> =>
      handOver([{ path: join(inside, path), within: { folder: inside } }]);
    for (const [path, why] of [
      ["link", "leads out of the folder of its task"],
      ["up/secret", "leads out of the folder of its task"],
      ["../secret", "leads out of the folder of its task"],
      [".", "leads out"],
      ["loop", "is a link that leads nowhere"],
      ["dangling", "is not there"],
    ] as const) {
      expect(await of(path)).toMatchObject({
        error: { reason: "bad-output", message: expect.stringContaining(why) as string },
      });
    }
    expect(inline(await of("fine"))[0]?.size).toBe(1);
    const owner = (process.getuid?.() ?? 0) + 1;
    expect(
      await handOver([{ path: join(inside, "out/a"), within: { folder: inside, owner } }]),
    ).toMatchObject({
      error: { message: expect.stringContaining("belongs to somebody other than its task") as string },
    });
  });

  test.each([
    ["grows", (path: string) => appendFile(path, "more")],
    ["shrinks", (path: string) => writeFile(path, "x")],
    ["is written anew", (path: string) => writeFile(path, "y".repeat(2_000_000))],
  ])("a file that %s while it is read", async (_name, change) => {
    const path = await folder.write("changing", "x".repeat(2_000_000));
    const files: HostFiles = {
      ...hostFiles,
      open: async (...args) => {
        const file = await hostFiles.open(...args);
        const read = async function* (): AsyncGenerator<Uint8Array> {
          let isFirst = true;
          for await (const part of file.read()) {
            if (isFirst) await change(path);
            isFirst = false;
            yield part;
          }
        };
        return { ...file, read };
      },
    };
    expect(await handOver([{ path }], { files })).toMatchObject({
      state: "failed",
      error: {
        reason: "bad-output",
        message: 'artifact 1 ("changing"): the file changes while it is read: something still writes to it',
      },
    });
  });

  test("once one cannot be stored nothing reads the others any more", async () => {
    const path = await folder.write("large", "x".repeat(3_000_000));
    let reading = 0;
    const files: HostFiles = {
      ...hostFiles,
      open: async (...args) => {
        const file = await hostFiles.open(...args);
        reading++;
        return { ...file, close: async () => (reading--, file.close()) };
      },
    };
    const outcome = await handOver([{ path }, { path }, { path: "/nowhere" }, { path }, { path }], { files });
    expect(outcome).toMatchObject({
      error: { reason: "bad-output", message: 'artifact 3 ("nowhere"): the file is not there' },
    });
    expect(reading).toBe(0);
  });

  test("what the server does not take is the worker's fault", async () => {
    const path = await folder.write("full", "x");
    const full = overriding<Blobs>(blobs, { putStream: async () => Promise.reject(new Error("no room")) });
    expect(await handOver([{ path }], { blobs: full })).toMatchObject({
      error: { reason: "worker-error", message: "what it hands over could not be stored: no room" },
    });
  });
});
