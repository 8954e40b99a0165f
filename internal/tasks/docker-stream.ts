/** Parts what a container prints: an engine sends stdout and stderr in one stream, in frames with a header of 8 bytes. */
import type { PrintStream } from "../ports/task-executor.ts";

const HEADER = 8;
/** What the first byte of a header says; all else is stdout. */
const STDERR = 2;

export class Demultiplexer {
  readonly #print: (stream: PrintStream, bytes: Buffer) => void;
  readonly #header = Buffer.alloc(HEADER);
  /** How much of the next header is there. */
  #known = 0;
  /** How much of the frame is still to come. */
  #left = 0;

  constructor(print: (stream: PrintStream, bytes: Buffer) => void) {
    this.#print = print;
  }

  /** Hands on at once what is there; it may be parted anywhere. */
  add(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#left === 0) {
        const copied = chunk.copy(this.#header, this.#known, at, at + HEADER - this.#known);
        at += copied;
        this.#known += copied;
        if (this.#known < HEADER) return;
        this.#known = 0;
        this.#left = this.#header.readUInt32BE(4);
      } else {
        const part = chunk.subarray(at, at + this.#left);
        at += part.length;
        this.#left -= part.length;
        this.#print(this.#header[0] === STDERR ? "stderr" : "stdout", part);
      }
    }
  }
}
