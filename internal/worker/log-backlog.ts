/**
 * What one attempt printed and what has not gone yet, as bytes: what is dropped is neither decoded nor looked at.
 * Who prints faster than it goes pays with copying alone.
 */
import type { LogStream } from "../core/attempt-log.ts";

/** What came at one time, on one stream. */
export interface LogBlock {
  readonly time: number;
  readonly stream: LogStream;
  readonly bytes: Uint8Array;
}

/** What a block takes beside its bytes, here and in a message. */
const BLOCK_COST = 64;
const MAX_BLOCK = 64 * 1_024;
const NOTHING = new Uint8Array();

interface OwnBlock {
  readonly time: number;
  readonly stream: LogStream;
  /** May be longer than what is in it. */
  bytes: Uint8Array;
  length: number;
}

export interface Taken {
  /** How many bytes came before these. */
  readonly from: number;
  /** How many these are. */
  readonly bytes: number;
  /** With what they cost beside. */
  readonly weight: number;
  readonly blocks: readonly LogBlock[];
}

export class LogBacklog {
  readonly #blocks: OwnBlock[] = [];
  /** The blocks before this one are gone. */
  #first = 0;
  #from = 0;
  #bytes = 0;

  /** What it takes, in bytes. */
  get weight(): number {
    return this.#bytes + (this.#blocks.length - this.#first) * BLOCK_COST;
  }
  /** Everything that was ever added, in bytes. */
  get total(): number {
    return this.#from + this.#bytes;
  }

  add(block: LogBlock): void {
    const { time, stream, bytes: all } = block;
    this.#bytes += all.length;
    const last = this.#blocks.at(-1);
    const isSame = last !== undefined && last.stream === stream && last.time === time;
    if (isSame && last.length + all.length <= MAX_BLOCK) {
      append(last, all);
      return;
    }
    for (let at = 0; at < all.length; at += MAX_BLOCK) {
      const bytes = new Uint8Array(all.subarray(at, at + MAX_BLOCK));
      this.#blocks.push({ time, stream, bytes, length: bytes.length });
    }
  }

  /** The oldest, so much at most, by weight; not less than one byte of what there is. */
  take(weight: number): Taken {
    const from = this.#from;
    const blocks: LogBlock[] = [];
    let taken = 0;
    while (!this.#isEmpty && (taken === 0 || taken + BLOCK_COST < weight)) {
      const block = this.#shift(Math.max(1, weight - taken - BLOCK_COST));
      blocks.push(block);
      taken += block.bytes.length + BLOCK_COST;
    }
    this.#cut();
    return { from, bytes: this.#from - from, weight: taken, blocks };
  }

  /** Drops the oldest until so much is left at most, by weight. */
  keep(weight: number): void {
    if (this.weight <= weight) return;
    while (this.weight > weight) this.#shift(this.weight - weight);
    this.#cut();
  }

  get #isEmpty(): boolean {
    return this.#first === this.#blocks.length;
  }

  /** So many bytes of the oldest block, or all it has. */
  #shift(length: number): LogBlock {
    const block = this.#blocks[this.#first] as OwnBlock;
    const { time, stream } = block;
    const bytes = block.bytes.subarray(0, Math.min(length, block.length));
    this.#from += bytes.length;
    this.#bytes -= bytes.length;
    block.bytes = block.bytes.subarray(bytes.length);
    block.length -= bytes.length;
    if (block.length === 0) {
      block.bytes = NOTHING;
      this.#first++;
    }
    return { time, stream, bytes };
  }

  /** Of many small blocks one may go at a time. */
  #cut(): void {
    if (this.#first < this.#blocks.length / 2) return;
    this.#blocks.splice(0, this.#first);
    this.#first = 0;
  }
}

function append(block: OwnBlock, bytes: Uint8Array): void {
  const length = block.length + bytes.length;
  if (length > block.bytes.length) {
    const larger = new Uint8Array(Math.min(MAX_BLOCK, Math.max(2 * block.bytes.length, length)));
    larger.set(block.bytes.subarray(0, block.length));
    block.bytes = larger;
  }
  block.bytes.set(bytes, block.length);
  block.length = length;
}
