/** Parts of docker tasks that need no engine. */
import { Readable } from "node:stream";
import { Header, Parser } from "tar";
import { describe, expect, test } from "vitest";
import { parseImage } from "../../internal/core/docker-image.ts";
import {
  filesIn,
  type OwnFiles,
  packFiles,
  unpack,
  type Unpacked,
  unpackOwnFiles,
} from "../../internal/tasks/docker-archive.ts";
import { problemsOfDocker } from "../../internal/core/docker-command.ts";
import { DockerPolicy } from "../../internal/tasks/docker-policy.ts";
import { ImageMissing, pullImage } from "../../internal/tasks/docker-pull.ts";
import { Demultiplexer } from "../../internal/tasks/docker-stream.ts";
import { BadOutputFile } from "../../internal/tasks/output-file.ts";

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

test("frames of stdout and stderr are parted, wherever what comes is parted", () => {
  const all = Buffer.concat([
    frame(1, "one"),
    frame(2, "zwei"),
    frame(1, ""),
    frame(1, "three"),
    frame(2, "4"),
  ]);
  for (let size = 1; size <= all.length; size++) {
    const printed = { stdout: "", stderr: "" };
    const parts = new Demultiplexer((stream, bytes) => {
      printed[stream] += bytes.toString();
    });
    for (let at = 0; at < all.length; at += size) parts.add(all.subarray(at, at + size));
    expect(printed, `in parts of ${size}`).toEqual({ stdout: "onethree", stderr: "zwei4" });
  }
});

/** An archive as an engine makes one of a folder. */
function archiveOf(files: Readonly<Record<string, string | null>>): Buffer {
  const entries = Object.entries(files).map(([path, text]) => {
    const header = Buffer.alloc(512);
    const type = text === null ? "SymbolicLink" : "File";
    const content = Buffer.from(text ?? "");
    new Header({
      path: `folder/${path}`,
      type,
      size: content.length,
      mode: 0o644,
      ...(text === null ? { linkpath: "x" } : {}),
    }).encode(header);
    return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
  });
  return Buffer.concat([...entries, Buffer.alloc(1_024)]);
}

describe("the files of a container", () => {
  const limits = { output: 1_024, manifest: 4_096 };
  const own = (files: Readonly<Record<string, string | null>>): Promise<OwnFiles> =>
    unpackOwnFiles(Readable.from([archiveOf(files)]), limits);

  test("have their places", () => {
    expect(filesIn("/x")).toEqual({
      paramsFile: "/x/params.json",
      outputFile: "/x/attempt/output",
      artifactsFile: "/x/attempt/artifacts",
      artifactsFolder: "/x/artifacts",
      ownFolder: "/x/attempt",
      givenFolder: "/x/in",
    });
  });

  test("go into an archive", async () => {
    for (const params of ["{}", `{"a":"${"x".repeat(1_000)}"}`, "x".repeat(512)]) {
      const packed: [path: string, text: string][] = [];
      const parser = new Parser({
        onReadEntry: (entry) => {
          const each: [string, string] = [entry.path, ""];
          packed.push(each);
          entry.on("data", (part) => void (each[1] += part.toString()));
        },
      });
      parser.end(packFiles(params));
      expect(packed).toEqual([
        ["params.json", params],
        ...["attempt/", "attempt/output", "attempt/artifacts", "artifacts/"].map((path) => [path, ""]),
      ]);
    }
  });

  test("come out of one, in whatever parts it comes", async () => {
    const archive = archiveOf({ output: "x".repeat(1_000), other: "o", artifacts: "{}" });
    for (const size of [1, 100, 512, 5_000]) {
      const parts = Array.from({ length: Math.ceil(archive.length / size) }, (_, i) =>
        archive.subarray(i * size, (i + 1) * size),
      );
      expect(await unpackOwnFiles(Readable.from(parts), limits)).toEqual({
        output: "x".repeat(1_000),
        manifest: Buffer.from("{}"),
      });
    }
    expect(await own({ other: "" })).toEqual({ output: "", manifest: Buffer.alloc(0) });
  });

  test.each<[string, Readonly<Record<string, string | null>>, string]>([
    ["a large output", { output: "x".repeat(1_025) }, "the output file has 1025 bytes; at most 1024"],
    ["a large manifest", { artifacts: "x".repeat(4_097) }, "the manifest has 4097 bytes; at most 4096"],
    ["a link in place of the output", { output: null }, "the output file is no file"],
    ["a link in place of the manifest", { artifacts: null }, "the manifest is no file"],
    ["much else", { other: "x".repeat(6_000) }, "there is too much in the folder"],
  ])("do not come out with %s", async (_name, files, why) => {
    await expect(own(files)).rejects.toThrow(why);
    await expect(own(files)).rejects.toThrow(BadOutputFile);
  });

  test("wait for who takes them, and an archive that breaks off keeps nobody waiting", async () => {
    const whole = archiveOf({ a: "a".repeat(3_000), b: "b".repeat(3_000) });
    const taken: Record<string, number> = {};
    const take = ({ path, entry }: Unpacked): Promise<void> =>
      (async () => {
        for await (const part of entry) {
          await new Promise((resolve) => setImmediate(resolve));
          taken[path] = (taken[path] ?? 0) + part.length;
        }
      })();
    const parts = (bytes: Buffer): Readable =>
      Readable.from(
        Array.from({ length: Math.ceil(bytes.length / 100) }, (_, i) =>
          bytes.subarray(i * 100, (i + 1) * 100),
        ),
      );
    await unpack(parts(whole), take);
    expect(taken).toEqual({ a: 3_000, b: 3_000 });
    await expect(unpack(parts(whole.subarray(0, 1_512)), take)).rejects.toThrow("Truncated input");
    expect(taken).toEqual({ a: 4_000, b: 3_000 });
    const broken = Readable.from(
      (async function* () {
        yield whole.subarray(0, 1_512);
        throw new Error("gone");
      })(),
    );
    await expect(unpack(broken, take)).rejects.toThrow("gone");
    const failing = unpack(parts(whole), async () => Promise.reject(new Error("full")));
    await expect(failing).rejects.toThrow("full");
  });
});

test("of an engine on another machine only the folders that are named can be had", async () => {
  const policy = DockerPolicy.of({ allowMount: ["/data", "/srv:ro", "cache"] });
  if (!(policy instanceof DockerPolicy)) throw new Error(policy.wrong);
  const engine = { socket: undefined, network: () => Promise.reject(new Error("not asked")) };
  const judge = (...volumes: string[]): Promise<unknown> =>
    policy.judge({ command: "x", env: {}, volumes }, engine);
  expect(await judge("/data:/a", "/srv/:/b:ro", "cache:/c")).toMatchObject({
    mounts: [
      { kind: "folder", source: "/data", target: "/a", readOnly: false },
      { kind: "folder", source: "/srv", target: "/b", readOnly: true },
      { kind: "volume", source: "cache", target: "/c", readOnly: false },
    ],
  });
  // A task with the folder could have put a link there.
  expect(await judge("/data/link:/a")).toMatchObject({ reason: "refused" });
});

async function pull(lines: readonly string[]): Promise<string[]> {
  const reference = parseImage("a/b:1");
  if (typeof reference === "string") throw new Error(reference);
  const logged: string[] = [];
  const signal = new AbortController().signal;
  const engine = { pull: () => Promise.resolve(Readable.from(lines.map((line) => `${line}\n`))) };
  const context = { signal, log: (line: string) => logged.push(line) };
  await pullImage(engine, { reference, auth: undefined }, context);
  return logged;
}

test("what an engine says while it fetches is told, and of layers how far they are, now and then", async () => {
  const now = performance.now.bind(performance);
  let ahead = 0;
  performance.now = () => now() + (ahead += 1_600);
  try {
    const layer = (id: string, current: number): string =>
      JSON.stringify({ status: "Downloading", id, progressDetail: { current, total: 8 * 1_048_576 } });
    const said = [
      JSON.stringify({ status: "Pulling from b", id: "1" }),
      "",
      JSON.stringify({ status: "Status: done" }),
    ];
    expect(await pull([...said, layer("x", 0), layer("y", 4_194_304), layer("x", 1_048_576)])).toEqual([
      "pulling docker.io/a/b:1",
      "Status: done",
      "pulling docker.io/a/b:1: 4 of 16 MiB",
    ]);
  } finally {
    performance.now = now;
  }
});

test("an image that cannot be fetched, and an engine that talks nonsense", async () => {
  await expect(pull(['{"error": "no space left"}'])).rejects.toThrow(ImageMissing);
  await expect(pull(['{"error": "no space left"}'])).rejects.toThrow(
    "image docker.io/a/b:1 cannot be had: no space left",
  );
  await expect(pull(["<html>"])).rejects.toThrow("sent what is no JSON: <html>");
});

test("of a command in the JSON form, all that is wrong is told at once", () => {
  const command =
    '{"command": "x", "env": {"A": "secret://B"}, "privileged": true, "user": "0", "memory_mb": 1}';
  const messages = problemsOfDocker({ command, options: {}, env: {} }).map(({ message }) => message);
  expect(messages).toEqual([
    expect.stringContaining("unknown field 'privileged' in the JSON form"),
    "'user' is no field of the JSON form; it goes into with",
    "env of the JSON form names a secret; put it into env of the task",
    expect.stringContaining("memory_mb: must be a whole number"),
  ]);
});
