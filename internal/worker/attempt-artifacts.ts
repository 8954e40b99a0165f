/**
 * Turns what a task hands over into what its outcome tells: files go into the run's values, and records that are too
 * many for an outcome are told before it.
 *
 * Whoever wrote the task decides what is in all of it: what cannot be used is `bad-output`, and says which one it is. At
 * most some MiB of files are in memory at a time.
 */
import { toRecord } from "../core/artifact-record.ts";
import type { ArtifactPiece, Handed, ProducedArtifact } from "../core/artifact.ts";
import type { Work } from "../core/attempt.ts";
import type { JsonObject } from "../core/json.ts";
import type { Mask } from "../core/mask.ts";
import { type ArtifactLimits, type NewArtifact, problemOfNewArtifact } from "../core/new-artifact.ts";
import type { TaskError } from "../core/outcome.ts";
import { jsonSize } from "../core/size.ts";
import type { BlobRef } from "../core/stored.ts";
import { type Blobs, NotWanted } from "../ports/blobs.ts";
import type { Random } from "../ports/clock.ts";
import { FileTrouble, type HostFiles } from "../ports/host-files.ts";
import { workerError } from "./worker-error.ts";

export interface ArtifactOptions {
  readonly blobs: Pick<Blobs, "putStream">;
  readonly files: HostFiles;
  readonly random: Random;
  readonly artifactLimits: ArtifactLimits;
  /** Stores a part of what an attempt hands over, before its outcome. */
  tell(work: Work, piece: ArtifactPiece): Promise<void>;
}

export interface HandingOver {
  readonly artifacts: readonly NewArtifact[];
  readonly mask: Mask | undefined;
  /** The attempt has to end. */
  readonly signal: AbortSignal;
}

export type HandedOver =
  { readonly handed: Handed } | { readonly wrong: TaskError } | { readonly stopped: true };

/** An outcome with more JSON of artifacts than this many bytes would leave its fact no room for others. */
const MAX_INLINE_BYTES = 128 * 1_024;
/** All of them are in the memory of who drives the run. */
const MAX_RECORDS_BYTES = 64 * 1_024 * 1_024;
const FILES_AT_A_TIME = 4;

/** What is handed over cannot be used. */
class BadArtifact extends Error {}

export async function handOver(
  work: Work,
  { artifacts, mask, signal }: HandingOver,
  options: ArtifactOptions,
): Promise<HandedOver> {
  try {
    const drafts = draftsOf(work, { artifacts, mask }, options);
    // Names of values and of pieces: who runs the same attempt once more must not meet them.
    const set = options.random.id();
    const stored = await new Storing(work, { set, signal }, options).all(drafts);
    return { handed: await told(work, { produced: stored, set, signal }, options) };
  } catch (error) {
    if (error instanceof NotWanted) return { stopped: true };
    if (error instanceof BadArtifact) return { wrong: { reason: "bad-output", message: error.message } };
    return { wrong: workerError(error, "what it hands over could not be stored: ") };
  }
}

interface Draft {
  readonly label: string;
  readonly from: NewArtifact;
  readonly record: ProducedArtifact;
}

function draftsOf(
  work: Work,
  { artifacts, mask }: Pick<HandingOver, "artifacts" | "mask">,
  { files, artifactLimits: { count } }: ArtifactOptions,
): Draft[] {
  if (artifacts.length > count) {
    throw new BadArtifact(
      `it hands over ${artifacts.length} artifacts; at most ${count} are allowed, see --artifact-count`,
    );
  }
  const ids = new Set<string>();
  let room = MAX_RECORDS_BYTES;
  return artifacts.map((from, i) => {
    const wrong = problemOfNewArtifact(from);
    if (wrong !== undefined) throw new BadArtifact(`artifact ${i + 1}: ${wrong}`);
    const draft = draftOf(work, { from, n: i + 1, mask }, files);
    const { id } = draft.record;
    if (ids.has(id)) throw new BadArtifact(`${draft.label}: another one has the id '${id}' too`);
    ids.add(id);
    room -= sizeOf(draft.record, MAX_RECORDS_BYTES);
    if (room < 0)
      throw new BadArtifact(
        `the metadata of its artifacts are more than ${MAX_RECORDS_BYTES} bytes together`,
      );
    return draft;
  });
}

/**
 * Secrets are masked in what the author wrote, and in nothing that is ours. It is done before ids are compared: those
 * that are as good as one are one from here on.
 */
function draftOf(
  { task, index, attempt }: Work,
  { from, n, mask }: { readonly from: NewArtifact; readonly n: number; readonly mask: Mask | undefined },
  files: HostFiles,
): Draft {
  const shown = (text: string): string => mask?.text(text) ?? text;
  const { path, id, mimeType, origin, metadata = {} } = from;
  const name = shown(from.name ?? path?.slice(path.lastIndexOf("/") + 1) ?? "");
  const record = {
    id: id === undefined ? `${task}.${index}.${attempt}.${n}` : shown(id),
    name,
    size: null,
    mimeType: mimeType === undefined ? files.typeOf(name) : shown(mimeType),
    metadata: mask === undefined ? metadata : (mask.json(metadata) as JsonObject),
    ...(origin === undefined ? {} : { origin: origin === null ? null : shown(origin) }),
  };
  return { from, record, label: name === "" ? `artifact ${n}` : `artifact ${n} (${JSON.stringify(name)})` };
}

/** The files of an attempt on their way into the values of its run. */
class Storing {
  readonly #work: Work;
  readonly #set: string;
  readonly #options: ArtifactOptions;
  /** Of the first that cannot be stored: the others are of no use then. */
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;
  #room: number;

  constructor(work: Work, { set, signal }: { set: string; signal: AbortSignal }, options: ArtifactOptions) {
    this.#work = work;
    this.#set = set;
    this.#signal = AbortSignal.any([signal, this.#failure.signal]);
    this.#options = options;
    this.#room = options.artifactLimits.bytes;
  }

  /** Once it has settled, nothing reads the files any more. */
  async all(drafts: readonly Draft[]): Promise<ProducedArtifact[]> {
    const all = drafts.map(({ record }) => record);
    const left = [...drafts.entries()].filter(([, { from }]) => from.path !== undefined).values();
    const take = async (): Promise<void> => {
      try {
        for (const [i, draft] of left) all[i] = await this.#one(draft, i);
      } catch (error) {
        this.#failure.abort(error);
      }
    };
    await Promise.all(Array.from({ length: FILES_AT_A_TIME }, take));
    // The first reason is kept.
    if (this.#failure.signal.aborted) throw this.#failure.signal.reason;
    return all;
  }

  async #one({ from: { path = "", within }, record, label }: Draft, i: number): Promise<ProducedArtifact> {
    if (this.#signal.aborted) throw new NotWanted();
    try {
      const file = await this.#store(path, within, i);
      return { ...record, size: file.bytes, file };
    } catch (error) {
      throw error instanceof FileTrouble ? new BadArtifact(`${label}: the file ${error.message}`) : error;
    }
  }

  async #store(path: string, within: NewArtifact["within"], i: number): Promise<BlobRef> {
    const { files, blobs, artifactLimits } = this.#options;
    const { runId, task, index, attempt } = this.#work;
    const file = await files.open(path, within);
    try {
      this.#room -= file.bytes;
      if (this.#room < 0) {
        throw new BadArtifact(
          `its files have more than ${artifactLimits.bytes} bytes together, which is the most that an attempt may hand over, see --artifact-limit`,
        );
      }
      const name = `art-${task}-${index}-${attempt}-${this.#set}-${i}`;
      return await blobs.putStream({ owner: { runId }, name }, file.read(), this.#signal);
    } finally {
      await file.close();
    }
  }
}

async function told(
  work: Work,
  { produced, set, signal }: { produced: readonly ProducedArtifact[]; set: string; signal: AbortSignal },
  { tell }: ArtifactOptions,
): Promise<Handed> {
  const parts = partsOf(produced);
  if (parts.length <= 1) return { inline: produced };
  const { task, index, attempt } = work;
  const stopped = stoppedBy(signal);
  for (const [piece, artifacts] of parts.entries()) {
    await Promise.race([stopped, tell(work, { task, index, attempt, set, piece, artifacts })]);
  }
  return { set, pieces: parts.length };
}

/** Never resolves. */
function stoppedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new NotWanted());
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

function partsOf(produced: readonly ProducedArtifact[]): ProducedArtifact[][] {
  const all: ProducedArtifact[][] = [];
  let room = 0;
  for (const artifact of produced) {
    const size = sizeOf(artifact, MAX_INLINE_BYTES);
    if (size > room || all.length === 0) {
      all.push([]);
      room = MAX_INLINE_BYTES;
    }
    all.at(-1)?.push(artifact);
    room -= size;
  }
  return all;
}

/** Of its JSON as it is told. */
function sizeOf(artifact: ProducedArtifact, limit: number): number {
  return jsonSize(toRecord(artifact) as unknown as JsonObject, limit) + 1;
}
