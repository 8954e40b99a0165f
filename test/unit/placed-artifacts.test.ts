/** What attempts are given, and what is left of them when they end: nothing. */
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ArtifactPiece, ProducedArtifact } from "../../internal/core/artifact.ts";
import { MemoryBlobs } from "../../internal/memory/blobs.ts";
import { BlobDamaged, type Blobs } from "../../internal/ports/blobs.ts";
import type { HostFiles } from "../../internal/ports/host-files.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { Stop } from "../../internal/worker/attempt.ts";
import { plainName } from "../../internal/worker/placed-artifacts.ts";
import { blobs, type Execute, given, handOver, inline, run } from "../support/artifact-attempts.ts";
import { TestFolder } from "../support/folder.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { overriding } from "../support/overriding.ts";
import { until } from "../support/until.ts";

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => folder[Symbol.asyncDispose]());

describe("an attempt that has to end", () => {
  /** Takes one part, and then nothing more. */
  const stuck = (): Blobs & { begun: boolean } => {
    const waiting = overriding<Blobs & { begun: boolean }>(
      Object.assign(new MemoryBlobs(), { begun: false }),
      {
        putStream: (place, parts, wanted) => {
          const endless = async function* (): AsyncGenerator<Uint8Array> {
            for await (const part of parts) yield part;
            waiting.begun = true;
            await new Promise((resolve) => wanted.addEventListener("abort", resolve, { once: true }));
            yield new Uint8Array(1);
          };
          return blobs.putStream(place, endless(), wanted);
        },
      },
    );
    return waiting;
  };

  test.each(["released", "cancelled", "timed-out"] as const)(
    "%s: lets go of what is on its way",
    async (reason) => {
      const path = await folder.write(`stopped-${reason}`, "x");
      const stop = new Stop();
      const waiting = stuck();
      let isOver = false;
      const running = run(
        (_call, { atEnd }) => {
          atEnd(() => (isOver = true));
          return { ok: true, output: {}, artifacts: [{ path }] };
        },
        { blobs: waiting, stop },
      );
      await until(() => waiting.begun);
      expect(isOver).toBe(false);
      stop.now(reason);
      expect(await running).toMatchObject({ state: "failed", error: { reason } });
      expect(isOver).toBe(true);
    },
  );

  test("its time limit counts while files are stored", async () => {
    const path = await folder.write("slow", "x");
    const clock = new ManualClock();
    const waiting = stuck();
    const running = handOver([{ path }], {
      blobs: waiting,
      clock,
      taskTimeoutMs: 5_000,
      work: { timeoutMs: 5_000 },
    });
    await until(() => waiting.begun);
    await clock.advance(5_000);
    expect(await running).toMatchObject({
      error: { reason: "timed-out", message: "time limit of 5 s reached" },
    });
  });

  test("while its files are fetched it is told at once", async () => {
    const [artifact] = inline(await handOver([{ path: await folder.write("fetched", "x") }]));
    const stop = new Stop();
    let isAsked = false;
    const silent = overriding<Blobs>(blobs, {
      getStream: async function* (_owner, _ref, { until: asked } = {}) {
        isAsked = true;
        await new Promise((resolve) => asked?.addEventListener("abort", resolve, { once: true }));
        yield new Uint8Array(0);
      },
    });
    const running = run(() => ({ ok: true, output: {} }), {
      given: given(artifact === undefined ? [] : [artifact]),
      blobs: silent,
      stop,
    });
    await until(() => isAsked);
    stop.now("cancelled");
    expect(await running).toMatchObject({ error: { reason: "cancelled" } });
  });
});

describe("what is given", () => {
  const bytes = (text: string): Promise<readonly ProducedArtifact[]> =>
    folder
      .write(`given-${text.length}.txt`, text)
      .then(async (path) => inline(await handOver([{ path, name: "in/put.txt" }])));

  test("one file is a file again, with its metadata beside it, read-only, and gone with the attempt", async () => {
    const path = await folder.write("movie.mkv", "frames");
    const produced = inline(await handOver([{ path, metadata: { title: "M" } }]));
    let placed = "";
    const outcome = await run(
      async ({ params, artifactFolder }) => {
        placed = params.file_path as string;
        expect(params).toEqual({
          title: "M",
          file_path: join(artifactFolder ?? "", "1/movie.mkv"),
          file_name: "movie.mkv",
          file_size: 6,
          mime_type: "video/x-matroska",
        });
        expect(await readFile(placed, "utf8")).toBe("frames");
        expect(statSync(placed).mode & 0o222).toBe(0);
        expect(statSync(artifactFolder ?? "").mode & 0o077).toBe(0);
        return { ok: true, output: {} };
      },
      { given: given(produced, { single: true }) },
    );
    expect(outcome.state).toBe("completed");
    await until(() => !existsSync(placed));
  });

  test("several are a list; a file that has come twice is there once, and one of the same name is another", async () => {
    const [a, b] = await Promise.all([bytes("a"), bytes("bb")]);
    const items = [...a, ...b, ...a, ...inline(await handOver([{ metadata: { n: 1 } }]))];
    let fetched = 0;
    const counting = overriding<Blobs>(blobs, {
      getStream: (...args) => {
        fetched++;
        return blobs.getStream(...args);
      },
    });
    const outcome = await run(
      async ({ params }) => {
        const all = params.artifacts as { file_path: string | null; file_name: string }[];
        const paths = all.map(({ file_path: path }) => path);
        expect(paths.map((path) => path?.split("/").slice(-2).join("/"))).toEqual([
          "1/put.txt",
          "2/put.txt",
          "1/put.txt",
          undefined,
        ]);
        expect(await readFile(paths[1] ?? "", "utf8")).toBe("bb");
        return { ok: true, output: {} };
      },
      { given: given(items), blobs: counting },
    );
    expect(outcome).toMatchObject({ state: "completed" });
    expect(fetched).toBe(2);
  });

  test("bindings and expressions find the file where the task does", async () => {
    const [artifact] = await bytes("bound");
    const outcome = await run(({ params }) => ({ ok: true, output: params }), {
      given: given(artifact === undefined ? [] : [artifact]),
      seesFiles: { at: "/inside" },
      work: {
        bindings: {
          one: { source: "previous_node", node: "extract", key: "file_path" },
          two: { source: "expression", expression: "{extract.file_path | basename | upper}!" },
        },
      },
    });
    expect(outcome).toMatchObject({ output: { inline: { one: "/inside/1/put.txt", two: "PUT.TXT!" } } });
  });

  test("what is gone or damaged is told, and says of which it is", async () => {
    const [artifact] = await bytes("gone!!");
    const items = given(artifact === undefined ? [] : [artifact]);
    const execute: Execute = () => {
      throw new Error("it must not run");
    };
    const damaged = overriding<Blobs>(blobs, {
      getStream: async function* () {
        yield new Uint8Array(1);
        throw new BlobDamaged("x");
      },
    });
    const why = "the file of artifact 'extract.0.1.1' (\"in/put.txt\") cannot be had: ";
    expect(await run(execute, { given: items, blobs: damaged })).toMatchObject({
      state: "failed",
      error: {
        reason: "artifact-missing",
        message: expect.stringContaining(`${why}the stored value 'x' is damaged`) as string,
      },
    });
    expect(await run(execute, { given: items, blobs: new MemoryBlobs() })).toMatchObject({
      state: "failed",
      error: { reason: "artifact-missing", message: expect.stringContaining("is gone") as string },
    });
  });

  test.each([
    ["../../etc/passwd", "passwd"],
    ["a\nb\u0007.txt", "a_b_.txt"],
    ["..", "file"],
    ["", "file"],
    ["dir/", "file"],
    [`${"é".repeat(500)}.csv`, `${"é".repeat(98)}.csv`],
    ["-rf", "-rf"],
    ["a b'\"$(x).txt", "a b'\"$(x).txt"],
  ])("a name is never a way: %j", async (name, plain) => {
    expect(plainName(name)).toBe(plain);
    const path = await folder.write("plain", "x");
    const [artifact] = inline(await handOver([{ path, name: name === "" ? "x" : name }]));
    const outcome = await run(
      ({ params, artifactFolder }) => {
        expect(params.file_name).toBe(name === "" ? "x" : name);
        expect(params.file_path).toBe(join(artifactFolder ?? "", "1", name === "" ? "x" : plain));
        expect(existsSync(params.file_path as string)).toBe(true);
        return { ok: true, output: {} };
      },
      { given: given(artifact === undefined ? [] : [artifact], { single: true }) },
    );
    expect(outcome.state).toBe("completed");
  });

  test("a type that reads no files is given none, and no file is fetched for it", async () => {
    const files: HostFiles = {
      ...hostFiles,
      makeFolder: () => {
        throw new Error("there is nobody to read it");
      },
    };
    const [artifact] = await bytes("not read");
    const outcome = await run(({ params }) => ({ ok: true, output: params }), {
      files,
      seesFiles: "none",
      given: given(artifact === undefined ? [] : [artifact], { single: true }),
    });
    expect(outcome).toMatchObject({
      output: { inline: { file_path: null, file_name: "in/put.txt", file_size: 8 } },
    });
  });

  test("what is to be done at its end is done, whatever else fails", async () => {
    const done: string[] = [];
    const outcome = await run((_call, { atEnd }) => {
      atEnd(() => {
        throw new Error("of who wrote it");
      });
      atEnd(() => void done.push("second"));
      return { ok: true, output: {} };
    });
    expect([outcome.state, ...done]).toEqual(["completed", "second"]);
  });

  test("an attempt without files has no folder, and asks for none", async () => {
    const files: HostFiles = {
      ...hostFiles,
      makeFolder: () => {
        throw new Error("there is nothing to put there");
      },
    };
    const [record] = inline(await handOver([{ metadata: { n: 1 } }]));
    const outcome = await run(
      ({ params, artifactFolder }) => ({ ok: artifactFolder === undefined, output: params }) as TaskReturn,
      {
        files,
        given: given(record === undefined ? [] : [record], { single: true }),
      },
    );
    expect(outcome).toMatchObject({ output: { inline: { n: 1, file_path: null, file_name: "" } } });
  });

  test("a thousand files are a thousand files", async () => {
    const paths = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => folder.write(`many-${i}`, String(i))),
    );
    const told: ArtifactPiece[] = [];
    const outcome = await handOver(
      paths.map((path) => ({ path })),
      { tell: async (_work, piece) => void told.push(piece) },
    );
    expect(outcome.state).toBe("completed");
    const produced = told.flatMap(({ artifacts }) => artifacts);
    const read = await run(
      async ({ params }) => {
        const all = params.artifacts as { file_path: string }[];
        const texts = await Promise.all(all.map(({ file_path: path }) => readFile(path, "utf8")));
        return { ok: true, output: { texts, names: all.map(({ file_path: path }) => basename(path)) } };
      },
      { given: given(produced) },
    );
    expect(read.output).toEqual({
      inline: { texts: paths.map((_, i) => String(i)), names: paths.map((path) => basename(path)) },
    });
  });
});
