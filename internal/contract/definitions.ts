/** Definitions as they are stored: the file's form as JSON, under the hash of its bytes. */
import { createHash } from "node:crypto";
import { Graph } from "../core/graph.ts";
import type { Dag } from "../core/model.ts";
import { type BlobRef, decodeValue, encodeValue } from "../core/stored.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { Definitions } from "../ports/definitions.ts";
import { readDefinition } from "../spec/read.ts";
import { writeDefinition } from "../spec/write.ts";

/** So many definitions stay at hand. */
const KEPT = 100;

export class StoredDefinitions implements Definitions {
  readonly #blobs: Blobs;
  readonly #stored = new WeakMap<Dag, Promise<BlobRef>>();
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

  async #store(dag: Dag): Promise<BlobRef> {
    const bytes = encodeValue(writeDefinition(dag));
    const hash = createHash("sha256").update(bytes).digest("hex");
    const ref = await this.#blobs.put("definitions", hash, bytes);
    if (!this.#graphs.has(hash)) this.#keep(hash, new Graph(dag));
    return ref;
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

  /** Types of plug-ins were checked where the definition was written. */
  async #read(ref: BlobRef): Promise<Graph> {
    const value = decodeValue(await this.#blobs.get("definitions", ref));
    return new Graph(readDefinition(value, { types: typesIn(value) }));
  }

  #keep(hash: string, graph: Graph | Promise<Graph>): void {
    this.#graphs.delete(hash);
    this.#graphs.set(hash, graph);
    if (this.#graphs.size <= KEPT) return;
    const [oldest] = this.#graphs.keys();
    if (oldest !== undefined) this.#graphs.delete(oldest);
  }
}

function typesIn(value: unknown): string[] {
  const { tasks } = value as { tasks?: readonly { readonly type?: string }[] };
  return [...new Set(tasks?.flatMap(({ type }) => type ?? []))];
}
