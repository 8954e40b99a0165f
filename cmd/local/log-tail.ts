/** Follows a log file from its present end on, line by line, and keeps it from growing without end. */
import { copyFile, type FileHandle, open } from "node:fs/promises";

const LOOK_MS = 100;
/** A log that has grown beyond this is moved to `<file>.1`, in place of the one before. */
const MAX_BYTES = 16 * 1_024 * 1_024;
/** Of a line that never ends, no more is kept. */
const MAX_LINE = 64 * 1_024;

export class LogTail {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #onLine: (line: string) => void;
  readonly #buffer = Buffer.alloc(64 * 1_024);
  readonly #decoder = new TextDecoder();
  readonly #looking: Promise<void>;
  #position: number;
  #partial = "";
  #stopped = false;

  private constructor(
    place: { file: string; handle: FileHandle; size: number },
    onLine: (line: string) => void,
  ) {
    this.#file = place.file;
    this.#handle = place.handle;
    this.#position = place.size;
    this.#onLine = onLine;
    this.#looking = this.#look();
  }

  static async follow(file: string, onLine: (line: string) => void): Promise<LogTail> {
    // Created where it is not there yet.
    const handle = await open(file, "a+");
    const { size } = await handle.stat();
    return new LogTail({ file, handle, size }, onLine);
  }

  /** Reads what is there to its end, and lets go. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
    await this.#handle.close();
  }

  async #look(): Promise<void> {
    for (;;) {
      const isLast = this.#stopped;
      await this.#readOn();
      if (isLast) return;
      if (this.#position > MAX_BYTES) await this.#startOver();
      await new Promise((resolve) => {
        setTimeout(resolve, LOOK_MS);
      });
    }
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const { bytesRead } = await this.#handle.read(this.#buffer, 0, this.#buffer.length, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      this.#take(this.#decoder.decode(this.#buffer.subarray(0, bytesRead), { stream: true }));
    }
  }

  #take(text: string): void {
    const lines = `${this.#partial}${text}`.split("\n");
    this.#partial = (lines.pop() ?? "").slice(0, MAX_LINE);
    for (const line of lines) if (line !== "") this.#onLine(line);
  }

  /** Who writes appends, and goes on at the beginning; what comes in between the two steps is in neither file. */
  async #startOver(): Promise<void> {
    // Better no copy than a disk that stays full.
    await copyFile(this.#file, `${this.#file}.1`).catch(() => undefined);
    await this.#handle.truncate(0);
    this.#position = 0;
  }
}
