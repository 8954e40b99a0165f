/** Large values as chains of messages, named by subject, so that a run's values go with one purge. */
import { CHUNK_BYTES } from "../contract/streams.ts";
import type { BlobRef } from "../core/stored.ts";
import { BlobMissing, type BlobOwner, type Blobs, type ReadOptions } from "../ports/blobs.ts";
import type { WriteOptions } from "../ports/storing.ts";
import type { Context } from "./context.ts";
import { patiently } from "./patience.ts";
import { getMessage } from "./stored-message.ts";

/** So many pieces are on their way at a time: 8 MiB. */
const PIECES_AT_A_TIME = 16;

interface Value {
  readonly owner: BlobOwner;
  readonly name: string;
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

  async get(owner: BlobOwner, ref: BlobRef, { until }: ReadOptions = {}): Promise<Uint8Array> {
    const { jsm, names } = this.#context;
    const patience = until === undefined ? {} : { patience: until };
    const pieces = await inGroups(ref.chunks, (i) =>
      getMessage(jsm, names.blobsStream, {
        last_by_subj: names.blobChunk(owner, ref.name, i),
        ...patience,
      }),
    );
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

  async removeRun(runId: string): Promise<void> {
    const { jsm, names } = this.#context;
    const filter = `${names.blobsOf({ runId })}.>`;
    await patiently(() => jsm.streams.purge(names.blobsStream, { filter }));
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
