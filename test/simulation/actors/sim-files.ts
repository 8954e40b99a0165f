/** The files of a worker's host, in memory. */
import {
  type FolderOfFiles,
  FileTrouble,
  type HostFiles,
  type OpenFile,
} from "../../../internal/ports/host-files.ts";

export class SimFiles implements HostFiles {
  readonly #files = new Map<string, Uint8Array>();
  /** Called once, when the next file is opened to be handed over. */
  #atNextOpen: () => void = nothing;
  #folders = 0;

  /** A task writes it. */
  add(path: string, text: string): void {
    this.#files.set(path, new TextEncoder().encode(text));
  }
  remove(path: string): void {
    this.#files.delete(path);
  }
  /** `undefined` where there is no such file. */
  textAt(path: string): string | undefined {
    const bytes = this.#files.get(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  atNextOpen(act: () => void): void {
    this.#atNextOpen = act;
  }

  async open(path: string): Promise<OpenFile> {
    const act = this.#atNextOpen;
    this.#atNextOpen = nothing;
    act();
    const file = this.#files.get(path);
    if (file === undefined) throw new FileTrouble("is not there");
    return { bytes: file.length, read: () => whole(file), close: async () => undefined };
  }

  async makeFolder(): Promise<FolderOfFiles> {
    const path = `/given/${++this.#folders}`;
    return {
      path,
      write: async (to, parts) => {
        for await (const part of parts) this.#files.set(`${path}/${to}`, part);
      },
      remove: async () => {
        for (const each of this.#files.keys()) if (each.startsWith(`${path}/`)) this.#files.delete(each);
      },
    };
  }

  typeOf(): null {
    return null;
  }
}

/** One part each. */
async function* whole(file: Uint8Array): AsyncGenerator<Uint8Array> {
  yield file;
}

function nothing(): void {}
