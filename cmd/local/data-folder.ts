/**
 * The folder that a local cluster keeps its data in: what NATS stores, the logs of the services, who has it, and which
 * version wrote it.
 */
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CannotStart } from "./cannot-start.ts";
import { DataLock } from "./data-lock.ts";

/** Raised when what lies in the folder can no longer be read by an earlier version, or that of an earlier one not by this. */
const LAYOUT = 1;
/** What a `dag up` that was killed at once may have left. */
const OWN = new Set([".gitignore", "version.json", "version.json.new", "lock", "lock.new", "lock.guard"]);

interface Version {
  readonly layout: number;
  /** Of the product that used it last. */
  readonly version: string;
}

export interface FolderOptions {
  readonly path: string;
  /** Of this product. */
  readonly version: string;
  /** Something is waited for. */
  onWait(what: string): void;
}

export class DataFolder {
  /** Absolute. */
  readonly path: string;
  readonly lock: DataLock;

  private constructor(path: string, lock: DataLock) {
    this.path = path;
    this.lock = lock;
  }

  /** Creates it where there is none. Rejects with `CannotStart` when it cannot be used or is in use. */
  static async open({ path, version, onWait }: FolderOptions): Promise<DataFolder> {
    const folder = resolve(path);
    try {
      await mkdir(folder, { recursive: true });
      const found = await versionIn(folder);
      if (found === undefined) await checkEmpty(folder, path);
      else checkLayout(found, version, path);
      // Nobody wants to commit it. And where one cannot write, this tells so.
      await writeFile(join(folder, ".gitignore"), "*\n");
      const lock = await DataLock.take(folder, onWait);
      await writeWhole(join(folder, "version.json"), `${JSON.stringify({ layout: LAYOUT, version })}\n`);
      await mkdir(join(folder, "logs"), { recursive: true });
      return new DataFolder(folder, lock);
    } catch (error) {
      if (error instanceof CannotStart) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new CannotStart(
        `the data folder '${path}' cannot be used: ${why}; give one that can be written to by --data`,
      );
    }
  }

  get nats(): string {
    return join(this.path, "nats");
  }
  get logs(): string {
    return join(this.path, "logs");
  }
}

async function versionIn(folder: string): Promise<Version | undefined> {
  const text = await readFile(join(folder, "version.json"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const found = JSON.parse(text) as Partial<Version> | null;
    if (typeof found?.layout === "number") return { layout: found.layout, version: String(found.version) };
  } catch {
    // Told below.
  }
  throw new Error("its version.json cannot be read");
}

function checkLayout({ layout, version }: Version, own: string, path: string): void {
  if (layout === LAYOUT) return;
  throw new CannotStart(
    [
      `the data folder '${path}' was written by jetdag ${version} (layout ${layout});`,
      `this is jetdag ${own}, which reads layout ${LAYOUT}: use that version,`,
      "or give another folder by --data, or remove this one with all its runs",
    ].join(" "),
  );
}

/** What somebody else keeps here is not to be hidden from git, nor mixed with ours. */
async function checkEmpty(folder: string, path: string): Promise<void> {
  const foreign = (await readdir(folder)).find((name) => !OWN.has(name));
  if (foreign === undefined) return;
  throw new CannotStart(
    `'${path}' is no data folder of dag up, and not empty (there is '${foreign}' in it): give an empty one, or one that is not there yet, by --data`,
  );
}

async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
