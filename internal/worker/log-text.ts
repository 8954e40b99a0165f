/** Makes text of what was printed. Half a character waits for its other half; what is none is U+FFFD. */
import type { LogPiece, LogStream } from "../core/attempt-log.ts";
import type { LogBlock, Taken } from "./log-backlog.ts";

export class LogText {
  readonly #decoders = new Map<LogStream, InstanceType<typeof TextDecoder>>();
  /** Up to here everything was decoded. */
  #next = 0;
  #time = 0;

  /** `isLast`: no other half will come. */
  decode({ from, bytes, blocks }: Taken, isLast: boolean): LogPiece[] {
    const streams = new Set<LogStream>();
    // Halves of before a gap and of after it do not belong together.
    if (from > this.#next) {
      this.#decoders.clear();
      for (const { stream } of blocks) streams.add(stream);
    }
    this.#next = from + bytes;
    const pieces = blocks.map((block) => this.#piece(block, streams));
    if (isLast) {
      for (const [stream, decoder] of this.#decoders) {
        pieces.push({ time: this.#time, stream, text: decoder.decode() });
      }
    }
    return pieces.filter(({ text }) => text !== "");
  }

  /** `afterGap`: the streams of which the first half of a character may be missing. */
  #piece({ time, stream, bytes }: LogBlock, afterGap: Set<LogStream>): LogPiece {
    let decoder = this.#decoders.get(stream);
    if (decoder === undefined) {
      decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      this.#decoders.set(stream, decoder);
    }
    this.#time = Math.max(this.#time, time);
    const text = afterGap.delete(stream) ? withoutHalf(bytes) : bytes;
    return { time: this.#time, stream, text: decoder.decode(text, { stream: true }) };
  }
}

/** Without the rest of a character at the beginning. */
function withoutHalf(bytes: Uint8Array): Uint8Array {
  let at = 0;
  while (at < 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++;
  return bytes.subarray(at);
}
