/** Definitions as they are stored: the file's form as JSON, under the hash of its bytes. */
import { createHash } from "node:crypto";
import { Graph } from "../core/graph.ts";
import type { Dag } from "../core/model.ts";
import { type BlobRef, decodeValue, encodeValue } from "../core/stored.ts";
import type { Blobs } from "../ports/blobs.ts";
import { CALLER_WAITS_MS } from "../ports/storing.ts";
import type { Definitions } from "../ports/definitions.ts";
import type { DagDefinition } from "../spec/schema.ts";
import { readWritten, writeDefinition } from "../spec/write.ts";

/** So many definitions stay at hand. */
const KEPT = 100;

export class StoredDefinitions implements Definitions {
  readonly #blobs: Blobs;
  readonly #stored = new WeakMap<Dag, Promise<BlobRef>>();
  /** By hash, while it is under way: many runs of one definition may be submitted at the same time. */
  readonly #storing = new Map<string, Promise<BlobRef>>();
  /** By hash, the one used last at the end. */
  readonly #graphs = new Map<string, Graph | Promise<Graph>>();

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  put(dag: Dag): Promise<BlobRef> {
    const known = this.#stored.get(dag);
    if (known !== undefined) return known;
    const storing = this.#store(dag);
    this.#stored.set(dag, storing);
    storing.catch(() => this.#stored.delete(dag));
    return storing;
  }

  get(ref: BlobRef): Graph | Promise<Graph> {
    const known = this.#graphs.get(ref.name) ?? this.#load(ref);
    this.#keep(ref.name, known);
    return known;
  }

  putSource(text: string): Promise<BlobRef> {
    const bytes = new TextEncoder().encode(text);
    return this.#put(hashOf(bytes), bytes);
  }

  async source(ref: BlobRef): Promise<string> {
    return new TextDecoder().decode(await this.#blobs.get("definitions", ref));
  }

  async #store(dag: Dag): Promise<BlobRef> {
    const bytes = encodeValue(writeDefinition(dag));
    const hash = hashOf(bytes);
    const ref = await this.#put(hash, bytes);
    if (!this.#graphs.has(hash)) this.#keep(hash, new Graph(dag));
    return ref;
  }

  #put(hash: string, bytes: Uint8Array): Promise<BlobRef> {
    const underWay = this.#storing.get(hash);
    if (underWay !== undefined) return underWay;
    const blobs = this.#blobs.within(CALLER_WAITS_MS);
    const storing = blobs.put("definitions", hash, bytes).finally(() => this.#storing.delete(hash));
    this.#storing.set(hash, storing);
    return storing;
  }

  #load(ref: BlobRef): Promise<Graph> {
    const loading = this.#read(ref).then(
      (graph) => {
        this.#keep(ref.name, graph);
        return graph;
      },
      (error: unknown) => {
        this.#graphs.delete(ref.name);
        throw error;
      },
    );
    return loading;
  }

  /** The hash is its name: what is read is what was checked and written. */
  async #read(ref: BlobRef): Promise<Graph> {
    const bytes = await this.#blobs.get("definitions", ref);
    if (hashOf(bytes) !== ref.name) throw new Error(`definition ${ref.name} is not what was stored`);
    return new Graph(readWritten(decodeValue(bytes) as DagDefinition));
  }

  #keep(hash: string, graph: Graph | Promise<Graph>): void {
    this.#graphs.delete(hash);
    this.#graphs.set(hash, graph);
    if (this.#graphs.size <= KEPT) return;
    const [oldest] = this.#graphs.keys();
    if (oldest !== undefined) this.#graphs.delete(oldest);
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
