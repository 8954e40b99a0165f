/** Tasks as they go to the product's queue, and what it tells of them. */
import type { Artifact, ArtifactFacts, ProducedArtifact } from "../core/artifact.ts";
import { attemptKey } from "../core/attempt.ts";
import type { Owed } from "../core/change.ts";
import { isMap } from "../core/not-json.ts";
import type { RunFold } from "../core/run-fold.ts";
import { formatPath, shown } from "../core/shown.ts";
import { json } from "./check-node.ts";
import { badInput, EngineError } from "./errors.ts";

/** What a task has handed over, and another one is given: its bytes are the product's to keep. */
export type RunArtifact = Omit<Artifact, "file">;

/** One task of a run, as it goes to the product's queue. */
export interface EngineTask {
  /** The same whenever the same task is dispatched, and no other task has it. */
  readonly id: string;
  readonly runId: string;
  readonly node: string;
  readonly plugin: string;
  /** Which of the node's tasks, from 0 on. */
  readonly index: number;
  /** From 1 on; a retry of the run dispatches what it runs again under a higher one. */
  readonly attempt: number;
  /** Of a node in mode `single`: the artifact that it is for. */
  readonly input?: string;
  /** Of a node in mode `grouped`: the origin of its artifacts. */
  readonly origin?: string;
  /** What it was given, in order; `null` for what is not given artifacts but the run's input. */
  readonly artifacts: readonly RunArtifact[] | null;
}

/** A task by its identity; all that a queue needs to keep. */
export type TaskRef = Pick<EngineTask, "runId" | "node" | "index" | "attempt">;

/** An artifact as a task hands it over. */
export interface HandedArtifact extends Partial<ArtifactFacts> {
  /** Unique among what the run has produced. */
  readonly id: string;
  /**
   * The artifact at the root of the graph that it goes back to; `null`: it belongs to every group. Default: of a root
   * itself, in mode `single` and `grouped` that of what the task was for, in mode `aggregate` none.
   */
  readonly origin?: string | null;
}

export function taskOf(run: RunFold, owed: Pick<Owed, "instance" | "attempt">): EngineTask {
  return laterTaskOf(run, owed)();
}

/** The task as it stands now, whatever becomes of its run until it is made. */
export function laterTaskOf(run: RunFold, owed: Pick<Owed, "instance" | "attempt">): () => EngineTask {
  const { runId, task, index, attempt } = run.idOf(owed);
  const given = run.artifacts.inputOf(owed.instance);
  const plugin = run.taskOf(owed.instance).command;
  return () => ({
    id: attemptKey({ runId, task, index, attempt }),
    runId,
    node: task,
    plugin,
    index,
    attempt,
    ...(given?.isSingle === true ? { input: given.artifacts[0]?.id ?? "" } : {}),
    ...(given?.origin === undefined ? {} : { origin: given.origin }),
    artifacts: given?.artifacts ?? null,
  });
}

/**
 * The number of the instance; `undefined` when it is of before a retry, which left the node with fewer. Throws
 * `EngineError` for what was never dispatched.
 */
export function instanceOf(run: RunFold, { runId, node, index, attempt }: TaskRef): number | undefined {
  const position = run.graph.position(node);
  if (position === undefined) throw unknownTask(`run '${runId}' has no node ${shown(node)}`);
  const instance = run.instanceOf({ task: node, index });
  const isGone = instance === undefined && run.gen > 0;
  const last = run.instances.attempt(instance ?? position);
  if ((instance === undefined && !isGone) || attempt < 1 || attempt > last) {
    const which = `task ${index} of node '${node}', attempt ${attempt}`;
    throw unknownTask(`${which}, was never dispatched in run '${runId}'`);
  }
  return instance;
}

/** It was cancelled with its run, and was running perhaps. */
export function isLate({ instances }: RunFold, instance: number, attempt: number): boolean {
  const isCancelled = instances.state(instance) === "cancelled" && instances.wasBegun(instance);
  return isCancelled && instances.attempt(instance) === attempt;
}

/** Throws `EngineError` when it is none. */
export function checkRef(given: TaskRef): void {
  const isRef =
    isMap(given) &&
    [given.runId, given.node].every((each) => typeof each === "string" && each !== "") &&
    [given.index, given.attempt].every(Number.isInteger);
  if (!isRef)
    throw badInput(`a task is { runId, node, index, attempt }, as it was dispatched, not ${shown(given)}`);
}

/** What a task hands over, in the core's form. Throws `EngineError` for what is none, or stands there twice. */
export function produced(given: readonly HandedArtifact[]): ProducedArtifact[] {
  if (!Array.isArray(given)) throw badInput(`artifacts must be a list, not ${shown(given)}`);
  const firstAt = new Map<string, number>();
  return given.map((artifact: unknown, i) => {
    const all = problemsOfArtifact(artifact);
    if (all !== undefined) throw badInput(`artifacts[${i}]${all}`);
    const one = artifact as HandedArtifact;
    const before = firstAt.get(one.id);
    if (before !== undefined)
      throw badInput(`artifacts[${i}].id: '${one.id}' is that of artifacts[${before}] already`);
    firstAt.set(one.id, i);
    const { id, name = "", size = null, mimeType = null, metadata = {}, origin } = one;
    return { id, name, size, mimeType, metadata, ...(origin === undefined ? {} : { origin }) };
  });
}

function problemsOfArtifact(given: unknown): string | undefined {
  if (!isMap(given)) return ` is { id, name, … }, not ${shown(given)}`;
  const { id, name, size, mimeType, metadata, origin } = given;
  if (typeof id !== "string" || id === "") return `.id must be text that is not empty, not ${shown(id)}`;
  if (name !== undefined && typeof name !== "string") return `.name must be text, not ${shown(name)}`;
  const isSize = size === undefined || size === null || (Number.isFinite(size) && Number(size) >= 0);
  if (!isSize || typeof size === "string")
    return `.size must be a number of bytes or null, not ${shown(size)}`;
  if (!isTextOrNull(mimeType)) return `.mimeType must be text or null, not ${shown(mimeType)}`;
  if (!isTextOrNull(origin) || origin === "")
    return `.origin must be the id of an artifact or null, not ${shown(origin)}`;
  if (metadata === undefined) return undefined;
  if (!isMap(metadata)) return `.metadata must be a map, not ${shown(metadata)}`;
  const [first] = json(metadata, []);
  return first && `.${formatPath(["metadata", ...first.path])} ${first.message}`;
}

function isTextOrNull(given: unknown): boolean {
  return given === undefined || given === null || typeof given === "string";
}

function unknownTask(message: string): EngineError {
  return new EngineError("UNKNOWN_TASK", message);
}
