import { cutBetween } from "../core/cut.ts";

/**
 * What a command printed, bounded: its head and its tail are kept, and what was cut in between is counted.
 * Memory stays at twice the limit or so, however much is printed.
 */
export class Captured {
  readonly #limit: number;
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #total = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get isCut(): boolean {
    return this.#total > this.#limit;
  }

  add(chunk: Buffer): void {
    this.#total += chunk.length;
    const half = this.#limit / 2;
    const toHead = chunk.subarray(0, Math.max(0, half - this.#headBytes));
    if (toHead.length > 0) {
      this.#head.push(toHead);
      this.#headBytes += toHead.length;
    }
    const rest = chunk.subarray(toHead.length);
    if (rest.length === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    while (this.#tailBytes - (this.#tail[0]?.length ?? 0) >= half) {
      this.#tailBytes -= this.#tail.shift()?.length ?? 0;
    }
  }

  /** The text without its last newline; half a character at a cut is shown as U+FFFD. */
  text(): string {
    const head = Buffer.concat(this.#head);
    if (!this.isCut) return withoutNewline(Buffer.concat([head, ...this.#tail]).toString("utf8"));
    const end = this.#end();
    const cut = this.#total - head.length - end.length;
    return `${head.toString("utf8")}${cutBetween(cut)}${withoutNewline(end.toString("utf8"))}`;
  }

  /** The last line that is not blank. None where there is none, or where its beginning is not kept. */
  lastLine(): string | undefined {
    const text = this.isCut ? this.#end().toString("utf8") : this.text();
    const from = text.trimEnd().lastIndexOf("\n") + 1;
    const line = text.slice(from).trim();
    return line === "" || (this.isCut && from === 0) ? undefined : line;
  }

  /** What is kept behind the cut. */
  #end(): Buffer {
    const tail = Buffer.concat(this.#tail);
    return tail.subarray(Math.max(0, tail.length - this.#limit / 2));
  }
}

function withoutNewline(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
