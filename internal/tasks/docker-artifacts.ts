/** What a container hands over: what its manifest says, and the files that its task names, brought to this host. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { NewArtifact } from "../core/new-artifact.ts";
import type { TaskContext } from "../ports/task-executor.ts";
import { BadArtifacts, readManifest } from "./artifact-manifest.ts";
import { unpack, type Unpacked } from "./docker-archive.ts";
import { makeScratchFolder } from "./scratch.ts";
import { WantedFiles } from "./wanted-files.ts";

export interface HandedOver {
  readonly manifest: Buffer;
  /** Path of the folder with its files, in the container. */
  readonly folder: string;
  readonly patterns: readonly string[];
  /** The archive of that folder. */
  open(): Promise<Readable>;
}

/** Rejects with `BadArtifacts`, and with `EngineError`. */
export async function artifactsOf(
  { manifest, folder, patterns, open }: HandedOver,
  context: TaskContext,
): Promise<NewArtifact[]> {
  const { count, bytes } = context.artifactLimits;
  const parts = (async function* (): AsyncGenerator<Buffer> {
    yield manifest;
  })();
  const wanted = new WantedFiles(patterns, await readManifest({ parts, folder, limit: count }), count);
  if (!wanted.hasPatterns && wanted.named.size === 0) return wanted.list();
  const scratch = await makeScratchFolder();
  context.atEnd(() => void rm(scratch, { recursive: true, force: true }).catch(() => undefined));
  const archive = await open();
  const stop = (): void => void archive.destroy();
  context.signal.addEventListener("abort", stop, { once: true });
  try {
    await unpack(archive, new Bringing(wanted, { scratch, bytes }).take);
  } finally {
    context.signal.removeEventListener("abort", stop);
  }
  return wanted.list();
}

/** Whatever they are called in the container, here they have numbers. */
class Bringing {
  readonly #wanted: WantedFiles;
  readonly #scratch: string;
  readonly #bytes: number;
  #room: number;
  #count = 0;

  constructor(wanted: WantedFiles, { scratch, bytes }: { readonly scratch: string; readonly bytes: number }) {
    this.#wanted = wanted;
    this.#scratch = scratch;
    this.#bytes = bytes;
    this.#room = bytes;
  }

  readonly take = ({ path, type, size, entry }: Unpacked): Promise<void> | undefined => {
    const way = path.split("/").reduce((at, name) => this.#wanted.advance(at, name), this.#wanted.begin());
    if (type === "Directory" || !this.#wanted.isWanted(path, way)) return undefined;
    if (type !== "File") {
      const why = "and a link or a device cannot be had from a container: copy what it stands for";
      throw new BadArtifacts(`it hands over '${path}', ${why}`);
    }
    this.#room -= size;
    if (this.#room < 0) {
      const most = "which is the most that an attempt may hand over, see --artifact-limit";
      throw new BadArtifacts(`its files have more than ${this.#bytes} bytes together, ${most}`);
    }
    const at = join(this.#scratch, String(++this.#count));
    this.#wanted.add(path, way, at);
    return writeFile(at, entry, { flag: "wx", mode: 0o600 });
  };
}
