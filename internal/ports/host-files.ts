/** Files of this host: those that tasks hand over, and those that are put there for tasks. */
import type { Whereabouts } from "../core/new-artifact.ts";

export interface HostFiles {
  /** Opens a plain file to read it. Rejects with `FileTrouble`. */
  open(path: string, within?: Whereabouts): Promise<OpenFile>;
  /** A new folder, for the reader alone; default: for who runs this process. It goes with this process at the latest. */
  makeFolder(reader?: FileReader): Promise<FolderOfFiles>;
  /** The MIME type of files that are called so; `null` where it is not known. */
  typeOf(name: string): string | null;
}

export interface OpenFile {
  readonly bytes: number;
  /** All of them. Throws `FileTrouble` when they are fewer or more than there were when it was opened. */
  read(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Who reads what is in a folder, and cannot change it: a user and group of this host, by their ids. */
export interface FileReader {
  readonly uid: number;
  readonly gid: number;
}

export interface FolderOfFiles {
  readonly path: string;
  /** Writes a file that can only be read, under a path in the folder: a new folder in it, and a name. Rejects with what `parts` throw, and with what the system says. */
  write(path: string, parts: AsyncIterable<Uint8Array>): Promise<void>;
  /** Does not reject. */
  remove(): Promise<void>;
}

/** A file that was handed over cannot be used; the message says why, as the rest of a sentence about it. */
export class FileTrouble extends Error {
  readonly code = "FILE_TROUBLE";
  constructor(message: string) {
    super(message);
    this.name = "FileTrouble";
  }
}
