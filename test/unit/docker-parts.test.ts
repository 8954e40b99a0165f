/** Parts of docker tasks that need no engine. */
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { parseImage } from "../../internal/core/docker-image.ts";
import { filesIn, packFiles, unpackFile } from "../../internal/tasks/docker-archive.ts";
import { problemsOfDocker } from "../../internal/core/docker-command.ts";
import { DockerPolicy } from "../../internal/tasks/docker-policy.ts";
import { ImageMissing, pullImage } from "../../internal/tasks/docker-pull.ts";
import { Demultiplexer } from "../../internal/tasks/docker-stream.ts";

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

test("files go into an archive and come out of one", async () => {
  expect(filesIn("/x")).toEqual({ paramsFile: "/x/attempt/params.json", outputFile: "/x/attempt/output" });
  for (const params of ["{}", `{"a":"${"x".repeat(1_000)}"}`, "x".repeat(512)]) {
    // The folder is not what is looked for.
    const archive = packFiles(params).subarray(512);
    expect(await unpackFile(Readable.from([archive]), 1_024)).toBe(params);
    const byByte = Readable.from([...archive].map((byte) => Buffer.of(byte)));
    expect(await unpackFile(byByte, 1_024)).toBe(params);
  }
  await expect(unpackFile(Readable.from([packFiles("{}").subarray(512)]), 1)).rejects.toThrow(
    "has 2 bytes; at most 1",
  );
  await expect(unpackFile(Readable.from([packFiles("{}")]), 1_024)).rejects.toThrow("is no file");
  await expect(unpackFile(Readable.from([]), 1_024)).rejects.toThrow("is no file");
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
