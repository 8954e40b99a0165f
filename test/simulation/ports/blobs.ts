/** Large values over the simulated server; one piece each. */
import { hash32 } from "../../../internal/core/hash.ts";
import type { BlobRef } from "../../../internal/core/stored.ts";
import {
  BlobDamaged,
  BlobMissing,
  type BlobOwner,
  type BlobPlace,
  type Blobs,
  NotWanted,
  type ReadOptions,
} from "../../../internal/ports/blobs.ts";
import type { Client } from "./client.ts";

export class SimBlobs implements Blobs {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  within(): Pick<Blobs, "put"> {
    return this;
  }

  async put(owner: BlobOwner, name: string, bytes: Uint8Array): Promise<BlobRef> {
    const { server } = this.#client;
    await this.#client.publish(server.blobs, {
      subject: server.names.blobChunk(owner, name, 0),
      value: bytes,
    });
    return { name, bytes: bytes.length, chunks: 1 };
  }

  async get(owner: BlobOwner, { name }: BlobRef, { until }: ReadOptions = {}): Promise<Uint8Array> {
    const { server } = this.#client;
    const subject = server.names.blobChunk(owner, name, 0);
    const read = (): Promise<unknown> =>
      this.#client.request(`read ${subject}`, () => server.blobs.of(subject)?.value);
    const patience = until === undefined ? [] : [Infinity];
    const asked = this.#client.patiently(read, ...patience);
    const value = await (until === undefined ? asked : orAborted(asked, until));
    if (value === undefined) throw new BlobMissing(name);
    return value as Uint8Array;
  }

  async putStream(
    { owner, name }: BlobPlace,
    parts: AsyncIterable<Uint8Array>,
    wanted: AbortSignal,
  ): Promise<BlobRef> {
    const { server } = this.#client;
    const all: Uint8Array[] = [];
    for await (const part of parts) all.push(part);
    const value = new Uint8Array(Buffer.concat(all));
    const publication = { subject: server.names.blobChunk(owner, name, 0), value };
    const isWanted = (): boolean => !wanted.aborted;
    await orAborted(this.#client.publish(server.blobs, { ...publication, isWanted }), wanted);
    if (wanted.aborted) throw new NotWanted();
    return { name, bytes: value.length, chunks: 1, sha256: checksum(value) };
  }

  async *getStream(owner: BlobOwner, ref: BlobRef, options?: ReadOptions): AsyncGenerator<Uint8Array> {
    const value = await this.get(owner, ref, options);
    yield value;
    if (value.length !== ref.bytes || (ref.sha256 !== undefined && checksum(value) !== ref.sha256))
      throw new BlobDamaged(ref.name);
  }

  removeRun(runId: string): Promise<void> {
    const { server } = this.#client;
    const prefix = `${server.names.blobsOf({ runId })}.`;
    return this.#client.ask(`remove ${prefix}`, () =>
      server.blobs.purge(({ subject }) => subject.startsWith(prefix)),
    );
  }
}

/** Resolves with nothing as soon as the signal is aborted. */
function orAborted<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = (): void => resolve(undefined);
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
    const settled = (): void => signal.removeEventListener("abort", end);
    waiting.finally(settled).then(resolve, reject);
  });
}

function checksum(bytes: Uint8Array): string {
  return hash32(new TextDecoder().decode(bytes)).toString(16);
}
