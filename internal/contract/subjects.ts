/**
 * Every subject, stream and bucket, in one place. All begin with the namespace, so that several installations
 * share one server.
 */
import type { AttemptId } from "../core/attempt.ts";
import type { Fact } from "../core/facts.ts";
import type { BlobOwner } from "../ports/blobs.ts";
import type { RunKey } from "../ports/run-log.ts";

export const NAMESPACE_RULE = "use 1 to 32 of a-z 0-9 _ -";

export function isNamespace(text: string): boolean {
  return /^[a-z0-9_-]{1,32}$/.test(text);
}

export class Names {
  readonly #ns: string;

  constructor(namespace: string) {
    this.#ns = namespace;
  }

  get runsStream(): string {
    return this.#stream("RUNS");
  }
  get tasksStream(): string {
    return this.#stream("TASKS");
  }
  get blobsStream(): string {
    return this.#stream("BLOBS");
  }
  get deadStream(): string {
    return this.#stream("DEAD");
  }
  get leaseBucket(): string {
    return this.#stream("LEASES");
  }

  get allFacts(): string {
    return `${this.#ns}.run.>`;
  }
  factsOf(runId: string): string {
    return `${this.#ns}.run.*.${runId}.>`;
  }
  /** What may exist only once has a subject of its own. */
  fact({ runId, partition }: RunKey, fact: Fact): string {
    const run = `${this.#ns}.run.${partition}.${runId}`;
    switch (fact.kind) {
      case "submitted":
        return `${run}.submitted`;
      case "outcomes":
        return `${run}.outcomes.${fact.queue}.${fact.incarnation}.${fact.n}`;
      case "cancel":
      case "finished":
        return `${run}.${fact.kind}.${fact.gen}`;
    }
  }

  get allTasks(): string {
    return `${this.#ns}.task.>`;
  }
  tasksOf(queue: string, runId?: string): string {
    return runId === undefined ? `${this.#ns}.task.${queue}.>` : `${this.#ns}.task.${queue}.${runId}.>`;
  }
  task(queue: string, { runId, task, index, attempt }: AttemptId): string {
    return `${this.#ns}.task.${queue}.${runId}.${task}.${index}.${attempt}`;
  }

  get allBlobs(): string {
    return `${this.#ns}.blob.>`;
  }
  blobsOf(owner: BlobOwner): string {
    return owner === "definitions" ? `${this.#ns}.blob.def` : `${this.#ns}.blob.run.${owner.runId}`;
  }
  blobChunk(owner: BlobOwner, name: string, chunk: number): string {
    return `${this.blobsOf(owner)}.${name}.${chunk}`;
  }

  get allDead(): string {
    return `${this.#ns}.dead.>`;
  }
  dead(id: string): string {
    return `${this.#ns}.dead.${id}`;
  }

  heartbeat(incarnation: string): string {
    return `${this.#ns}.worker.beat.${incarnation}`;
  }
  took(incarnation: string): string {
    return `${this.#ns}.worker.took.${incarnation}`;
  }
  get commandToAll(): string {
    return `${this.#ns}.command.all`;
  }
  commandTo(incarnation: string): string {
    return `${this.#ns}.command.worker.${incarnation}`;
  }
  get desk(): string {
    return `${this.#ns}.desk`;
  }

  #stream(name: string): string {
    return `${this.#ns.toUpperCase()}_${name}`;
  }
}

/** What a fact's subject says of it. */
export type FactSubject = RunKey &
  (
    | { readonly kind: "submitted" }
    | { readonly kind: "outcomes"; readonly queue: string; readonly incarnation: string; readonly n: number }
    | { readonly kind: "cancel" | "finished"; readonly gen: number }
  );

/** Reads `<ns>.run.<partition>.<run>.<kind>…`; `undefined` for a subject that is none of ours. */
export function readFactSubject(subject: string): FactSubject | undefined {
  const [, , partition = "", runId = "", kind, first = "", incarnation = "", n = ""] = subject.split(".");
  const run = { runId, partition: Number(partition) };
  switch (kind) {
    case "submitted":
      return { ...run, kind };
    case "outcomes":
      return { ...run, kind, queue: first, incarnation, n: Number(n) };
    case "cancel":
    case "finished":
      return { ...run, kind, gen: Number(first) };
    default:
      return undefined;
  }
}

/** Reads `<ns>.task.<queue>.<run>.<task>.<index>.<attempt>`. */
export function readTaskSubject(subject: string): (AttemptId & { readonly queue: string }) | undefined {
  const parts = subject.split(".");
  const [, , queue, runId, task, index, attempt] = parts;
  if (parts.length !== 7 || queue === undefined || runId === undefined || task === undefined)
    return undefined;
  return { queue, runId, task, index: Number(index), attempt: Number(attempt) };
}
