/** Large values in the blob stream: each a row of messages, one a piece, stored before anything names it. */
import { createHash } from "node:crypto";
import { CHUNK_BYTES } from "../contract/streams.ts";
import type { BlobRef } from "../core/stored.ts";
import {
  BlobDamaged,
  BlobMissing,
  type BlobOwner,
  type BlobPlace,
  type Blobs,
  NotWanted,
  type ReadOptions,
} from "../ports/blobs.ts";
import type { WriteOptions } from "../ports/storing.ts";
import type { Context } from "./context.ts";
import { patiently } from "./patience.ts";
import { inPieces } from "./pieces.ts";
import { getMessage, type StreamMessage } from "./stored-message.ts";

/** So many pieces are on their way at a time: 8 MiB. */
const PIECES_AT_A_TIME = 16;

interface Value extends BlobPlace {
  readonly bytes: Uint8Array;
}

export class NatsBlobs implements Blobs {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  put(owner: BlobOwner, name: string, bytes: Uint8Array): Promise<BlobRef> {
    return this.#put({ owner, name, bytes }, {});
  }

  within(ms: number): Pick<Blobs, "put"> {
    return { put: (owner, name, bytes) => this.#put({ owner, name, bytes }, { withinMs: ms }) };
  }

  async #put({ owner, name, bytes }: Value, options: WriteOptions): Promise<BlobRef> {
    const { names, publisher } = this.#context;
    const chunks = Math.max(1, Math.ceil(bytes.length / CHUNK_BYTES));
    await inGroups(chunks, async (i) => {
      const piece = bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
      // Refused means that it is there.
      await publisher.publish(names.blobChunk(owner, name, i), piece, options);
    });
    return { name, bytes: bytes.length, chunks };
  }

  async putStream(
    { owner, name }: BlobPlace,
    parts: AsyncIterable<Uint8Array>,
    wanted: AbortSignal,
  ): Promise<BlobRef> {
    const { names, publisher } = this.#context;
    let isGivenUp = false;
    const isWanted = (): boolean => !wanted.aborted && !isGivenUp;
    const hash = createHash("sha256");
    const underWay = new UnderWay(wanted);
    let [bytes, chunks] = [0, 0];
    try {
      for await (const piece of inPieces(parts, CHUNK_BYTES)) {
        await underWay.room();
        hash.update(piece);
        bytes += piece.length;
        // Refused means that it is there.
        underWay.add(publisher.publish(names.blobChunk(owner, name, chunks++), piece, { isWanted }));
      }
      await underWay.end();
    } catch (error) {
      isGivenUp = true;
      // Who waits for the end of this attempt does not wait for that.
      void underWay.settled().then(() => this.#remove(`${names.blobsOf(owner)}.${name}.>`));
      throw error;
    } finally {
      underWay.close();
    }
    return { name, bytes, chunks, sha256: hash.digest("hex") };
  }

  async get(owner: BlobOwner, ref: BlobRef, { until }: ReadOptions = {}): Promise<Uint8Array> {
    const pieces = await inGroups(ref.chunks, (i) => this.#piece({ owner, name: ref.name }, i, until));
    const whole = pieces.flatMap((piece) => piece?.data ?? []);
    const size = whole.reduce((sum, { length }) => sum + length, 0);
    if (whole.length < ref.chunks || size !== ref.bytes) throw new BlobMissing(ref.name);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const piece of whole) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  async *getStream(
    owner: BlobOwner,
    { name, bytes, chunks, sha256 }: BlobRef,
    { until }: ReadOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    const coming: Promise<StreamMessage | undefined>[] = [];
    let [asked, read] = [0, 0];
    for (let i = 0; i < chunks; i++) {
      for (; asked < chunks && coming.length < PIECES_AT_A_TIME; asked++) {
        const piece = this.#piece({ owner, name }, asked, until);
        // Whoever reads may have left by then.
        piece.catch(() => undefined);
        coming.push(piece);
      }
      const data = (await coming.shift())?.data;
      if (data === undefined) throw new BlobMissing(name);
      hash.update(data);
      read += data.length;
      yield data;
    }
    if (read !== bytes || (sha256 !== undefined && hash.digest("hex") !== sha256))
      throw new BlobDamaged(name);
  }

  async removeRun(runId: string): Promise<void> {
    await this.#purge(`${this.#context.names.blobsOf({ runId })}.>`);
  }

  /** What cannot be removed now goes with its run. */
  async #remove(filter: string): Promise<void> {
    await this.#purge(filter).catch(() => undefined);
  }

  async #purge(filter: string): Promise<void> {
    const { jsm, names } = this.#context;
    await patiently(() => jsm.streams.purge(names.blobsStream, { filter }));
  }

  #piece({ owner, name }: BlobPlace, i: number, until?: AbortSignal): Promise<StreamMessage | undefined> {
    const { jsm, names } = this.#context;
    const patience = until === undefined ? {} : { patience: until };
    const last_by_subj = names.blobChunk(owner, name, i);
    return getMessage(jsm, names.blobsStream, { last_by_subj, ...patience });
  }
}

/** Pieces that are being stored, and that not all of it is in memory meanwhile. */
class UnderWay {
  readonly #pieces: Promise<unknown>[] = [];
  readonly #wanted: AbortSignal;
  readonly #unwanted: Promise<never>;
  #tell: () => void = () => undefined;

  constructor(wanted: AbortSignal) {
    this.#wanted = wanted;
    this.#unwanted = new Promise((_, reject) => {
      this.#tell = () => reject(new NotWanted());
    });
    this.#unwanted.catch(() => undefined);
    wanted.addEventListener("abort", this.#tell, { once: true });
    if (wanted.aborted) this.#tell();
  }

  add(piece: Promise<unknown>): void {
    // It is looked at when its turn comes.
    piece.catch(() => undefined);
    this.#pieces.push(piece);
  }

  async room(): Promise<void> {
    if (this.#wanted.aborted || this.#pieces.length >= PIECES_AT_A_TIME) await this.#next();
  }
  async end(): Promise<void> {
    while (this.#pieces.length > 0) await this.#next();
  }
  /** Resolves when none is on its way any more: a purge would overtake it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pieces);
  }
  close(): void {
    this.#wanted.removeEventListener("abort", this.#tell);
  }

  /** A stream that is full may keep them waiting for as long as it likes. */
  async #next(): Promise<void> {
    await Promise.race([this.#unwanted, this.#pieces[0]]);
    void this.#pieces.shift();
    if (this.#wanted.aborted) throw new NotWanted();
  }
}

async function inGroups<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let from = 0; from < count; from += PIECES_AT_A_TIME) {
    const group = Array.from({ length: Math.min(PIECES_AT_A_TIME, count - from) }, (_, i) => work(from + i));
    all.push(...(await Promise.all(group)));
  }
  return all;
}
