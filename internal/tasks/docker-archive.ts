/** The private files of a docker task, as an engine takes and gives them: in archives. So it may be on another machine. */
import type { Readable } from "node:stream";
import { Header, Parser, type ReadEntry } from "tar";
import type { AttemptFiles } from "./attempt-env.ts";
import { BadOutputFile } from "./output-file.ts";

const BLOCK = 512;
const FOLDER = "attempt";
const PARAMS = `${FOLDER}/params.json`;
const OUTPUT = `${FOLDER}/output`;
const MANIFEST = `${FOLDER}/artifacts`;
const ARTIFACTS = "artifacts";

/** Where they are, in the folder into which the archive is unpacked. */
export function filesIn(folder: string): AttemptFiles {
  return {
    paramsFile: `${folder}/${PARAMS}`,
    outputFile: `${folder}/${OUTPUT}`,
    artifactsFile: `${folder}/${MANIFEST}`,
    artifactsFolder: `${folder}/${ARTIFACTS}`,
  };
}

/**
 * The params, and an empty output file. The task may run as any user of its container; an engine leaves the folder
 * itself as it is, so they are in one further down.
 */
export function packFiles(params: string): Buffer {
  return Buffer.concat([
    ...entry({ path: `${FOLDER}/`, type: "Directory", mode: 0o777 }),
    ...entry({ path: PARAMS, type: "File", mode: 0o444 }, Buffer.from(params)),
    ...entry({ path: OUTPUT, type: "File", mode: 0o666 }),
    Buffer.alloc(2 * BLOCK),
  ]);
}

function entry(
  data: { readonly path: string; readonly type: "File" | "Directory"; readonly mode: number },
  content: Buffer = Buffer.alloc(0),
): Buffer[] {
  const header = Buffer.alloc(BLOCK);
  new Header({ ...data, size: content.length, uid: 0, gid: 0, mtime: new Date(0) }).encode(header);
  const rest = content.length % BLOCK;
  return [header, content, Buffer.alloc(rest === 0 ? 0 : BLOCK - rest)];
}

/** The one file of an archive. Rejects with `BadOutputFile` when it is none, or larger than the limit in bytes. */
export async function unpackFile(archive: Readable, limit: number): Promise<string> {
  const parts: Buffer[] = [];
  let found: ReadEntry | undefined;
  const parser = new Parser({
    onReadEntry: (each) => {
      found ??= each;
      if (each === found && isFine(each, limit)) each.on("data", (part) => parts.push(part));
      else each.resume();
    },
  });
  for await (const chunk of archive) {
    parser.write(chunk as Buffer);
    // Nothing of what is too large is read.
    if (found !== undefined && !isFine(found, limit)) break;
  }
  archive.destroy();
  if (found === undefined || found.type !== "File") throw new BadOutputFile("the output file is no file");
  if (found.size > limit) {
    throw new BadOutputFile(`the output file has ${found.size} bytes; at most ${limit} are allowed`);
  }
  return Buffer.concat(parts).toString("utf8");
}

function isFine({ type, size }: ReadEntry, limit: number): boolean {
  return type === "File" && size <= limit;
}
