/** Large values over the simulated server; one piece each. */
import type { BlobRef } from "../../../internal/core/stored.ts";
import { BlobMissing, type BlobOwner, type BlobPlace, type Blobs } from "../../../internal/ports/blobs.ts";
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

  async get(owner: BlobOwner, { name }: BlobRef): Promise<Uint8Array> {
    const { server } = this.#client;
    const subject = server.names.blobChunk(owner, name, 0);
    const value = await this.#client.ask(`read ${subject}`, () => server.blobs.of(subject)?.value);
    if (value === undefined) throw new BlobMissing(name);
    return value as Uint8Array;
  }

  async putStream({ owner, name }: BlobPlace, parts: AsyncIterable<Uint8Array>): Promise<BlobRef> {
    const all: Uint8Array[] = [];
    for await (const part of parts) all.push(part);
    return this.put(owner, name, Buffer.concat(all));
  }

  async *getStream(owner: BlobOwner, ref: BlobRef): AsyncGenerator<Uint8Array> {
    yield await this.get(owner, ref);
  }

  removeRun(runId: string): Promise<void> {
    const { server } = this.#client;
    const prefix = `${server.names.blobsOf({ runId })}.`;
    return this.#client.ask(`remove ${prefix}`, () =>
      server.blobs.purge(({ subject }) => subject.startsWith(prefix)),
    );
  }
}
