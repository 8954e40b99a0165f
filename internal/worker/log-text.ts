/** Makes text of what was printed. Half a character waits for its other half; what is none is U+FFFD. */
import type { LogPiece, LogStream } from "../core/attempt-log.ts";
import type { LogBlock, Taken } from "./log-backlog.ts";

// One for all: a decoder that remembers halves by itself costs more than a short log.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class LogText {
  /** Of each stream, the begin of a character that has no end yet. */
  readonly #halves = new Map<LogStream, Uint8Array>();
  /** Up to here everything was taken in. */
  #next = 0;
  #time = 0;

  /** `isLast`: no other half will come. */
  decode({ from, bytes, blocks }: Taken, isLast: boolean): LogPiece[] {
    // Halves of before a gap and of after it do not belong together.
    const isGap = from > this.#next;
    if (isGap) this.#halves.clear();
    const cut = new Set(isGap ? blocks.map(({ stream }) => stream) : []);
    this.#next = from + bytes;
    const pieces = blocks.map((block) => {
      const isCut = cut.delete(block.stream);
      return this.#piece(isCut ? { ...block, bytes: withoutRest(block.bytes) } : block);
    });
    if (isLast) {
      for (const [stream, half] of this.#halves) {
        pieces.push({ time: this.#time, stream, text: decoder.decode(half) });
      }
    }
    return pieces.filter(({ text }) => text !== "");
  }

  #piece({ time, stream, bytes }: LogBlock): LogPiece {
    this.#time = Math.max(this.#time, time);
    const half = this.#halves.get(stream);
    const all = half === undefined ? bytes : joined(half, bytes);
    const whole = all.length - unfinished(all);
    if (whole < all.length) this.#halves.set(stream, all.slice(whole));
    else if (half !== undefined) this.#halves.delete(stream);
    return { time: this.#time, stream, text: decoder.decode(all.subarray(0, whole)) };
  }
}

/** How many bytes at the end are the begin of a character. */
function unfinished(bytes: Uint8Array): number {
  for (let length = 1; length <= 3; length++) {
    const byte = bytes[bytes.length - length];
    if (byte === undefined || byte < 0x80) return 0;
    if (isInside(byte)) continue;
    return length < lengthOf(byte) ? length : 0;
  }
  return 0;
}

/** Of the character that begins with this byte. */
function lengthOf(byte: number): number {
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}

/** Not the first byte of a character. */
function isInside(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Without the rest of a character at the begin. */
function withoutRest(bytes: Uint8Array): Uint8Array {
  let at = 0;
  while (at < 3 && at < bytes.length && isInside(bytes[at] ?? 0)) at++;
  return bytes.subarray(at);
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}
