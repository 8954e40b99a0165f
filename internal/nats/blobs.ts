/** Large values as chains of messages, named by subject, so that a run's values go with one purge. */
import type { JetStreamManager } from "@nats-io/jetstream";
import { CHUNK_BYTES } from "../contract/streams.ts";
import type { Names } from "../contract/subjects.ts";
import type { BlobRef } from "../core/stored.ts";
import { BlobMissing, type BlobOwner, type Blobs } from "../ports/blobs.ts";
import { CODES, isApiError } from "./answers.ts";
import type { Publisher } from "./publisher.ts";

export interface NatsBlobsOptions {
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly publisher: Publisher;
}

export class NatsBlobs implements Blobs {
  readonly #options: NatsBlobsOptions;

  constructor(options: NatsBlobsOptions) {
    this.#options = options;
  }

  async put(owner: BlobOwner, name: string, bytes: Uint8Array): Promise<BlobRef> {
    const { names, publisher } = this.#options;
    const chunks = Math.max(1, Math.ceil(bytes.length / CHUNK_BYTES));
    const storing = Array.from({ length: chunks }, (_, i) =>
      publisher.publish(
        names.blobChunk(owner, name, i),
        bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
      ),
    );
    await Promise.all(storing);
    return { name, bytes: bytes.length, chunks };
  }

  async get(owner: BlobOwner, ref: BlobRef): Promise<Uint8Array> {
    const bytes = new Uint8Array(ref.bytes);
    let at = 0;
    for (let i = 0; i < ref.chunks; i++) {
      const chunk = await this.#chunk(this.#options.names.blobChunk(owner, ref.name, i));
      if (chunk === undefined || at + chunk.length > bytes.length) throw new BlobMissing(ref.name);
      bytes.set(chunk, at);
      at += chunk.length;
    }
    if (at !== ref.bytes) throw new BlobMissing(ref.name);
    return bytes;
  }

  async removeRun(runId: string): Promise<void> {
    const { jsm, names } = this.#options;
    await jsm.streams.purge(names.blobsStream, { filter: `${names.blobsOf({ runId })}.>` });
  }

  /** From the leader: a replica may not have yet what was stored a moment ago. */
  async #chunk(subject: string): Promise<Uint8Array | undefined> {
    const { jsm, names } = this.#options;
    try {
      const message = await jsm.streams.getMessage(names.blobsStream, { last_by_subj: subject });
      return message?.data;
    } catch (error) {
      if (isApiError(error, CODES.messageNotFound)) return undefined;
      throw error;
    }
  }
}
