/**
 * What an attempt is called with: its inputs fetched, secrets in their places, expressions evaluated, artifacts and
 * bindings over its params.
 */
import { toArtifact } from "../core/artifact-record.ts";
import type { Artifact } from "../core/artifact.ts";
import type { Inputs, Work } from "../core/attempt.ts";
import { resolveBindings, secretOf } from "../core/bindings.ts";
import type { Patterns } from "../core/expression/patterns.ts";
import { fillIn } from "../core/fill-in.ts";
import type { JsonObject } from "../core/json.ts";
import type { Mask } from "../core/mask.ts";
import type { TaskError } from "../core/outcome.ts";
import { isResolved, mergeParams, type ResolvedInputs } from "../core/params.ts";
import { secretReference } from "../core/secrets.ts";
import { Sources } from "../core/sources.ts";
import { decodeValue, type Stored } from "../core/stored.ts";
import { byProducer, inputOfArtifacts } from "../core/task-input.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { HostFiles } from "../ports/host-files.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { TaskCall, TaskExecutor } from "../ports/task-executor.ts";
import { type Revealed, revealSecrets } from "./attempt-secrets.ts";
import { NOWHERE, type Placed, placeFiles } from "./placed-artifacts.ts";

export interface CallOptions {
  readonly blobs: Pick<Blobs, "get" | "getStream">;
  readonly files: HostFiles;
  readonly secrets: Secrets;
  readonly patterns: Patterns;
}

export type Opened =
  | { readonly call: TaskCall; readonly mask?: Mask | undefined }
  | { readonly error: TaskError; readonly mask?: Mask | undefined };

export interface Opening {
  /** The attempt has to end. */
  readonly signal: AbortSignal;
  readonly seesFiles: TaskExecutor["seesFiles"];
  atEnd(act: () => void): void;
}

/** `undefined` when the signal was aborted before it was ready. */
export async function openCall(
  work: Work,
  opening: Opening,
  options: CallOptions,
): Promise<Opened | undefined> {
  const { signal } = opening;
  const inputs =
    "inline" in work.inputs && isResolved(work.inputs.inline)
      ? work.inputs.inline
      : await Promise.race([fetchInputs(work, signal, options), aborted(signal)]);
  if (inputs === undefined) return undefined;
  const { env, options: own } = work;
  const bound = boundSecrets(work);
  const revealing = revealSecrets({ env, options: own, inputs, bound }, options.secrets, signal);
  const parts = revealing instanceof Promise ? await Promise.race([revealing, aborted(signal)]) : revealing;
  if (parts === undefined || signal.aborted) return undefined;
  if ("error" in parts) return parts;
  const { patterns } = options;
  const { artifacts } = parts.inputs;
  if (artifacts === undefined) return callOf(work, parts, { given: NONE_GIVEN, placed: NOWHERE, patterns });
  const given = artifacts.items.map(toArtifact);
  const { seesFiles, atEnd } = opening;
  if (seesFiles === "none" || !given.some(({ file }) => file !== undefined))
    return callOf(work, parts, { given, placed: NOWHERE, patterns });
  const placing = placeFiles(given, { runId: work.runId, seesFiles, signal, atEnd }, options);
  const placed = await Promise.race([placing, aborted(signal)]);
  if (placed === undefined) return undefined;
  return "error" in placed
    ? { ...placed, mask: parts.mask }
    : callOf(work, parts, { given, placed, patterns });
}

interface Given {
  readonly given: readonly Artifact[];
  readonly placed: Placed;
  readonly patterns: Patterns;
}

const NONE_GIVEN: readonly Artifact[] = Object.freeze([]);

function callOf(work: Work, { mask, ...parts }: Revealed, given: Given): Opened {
  const { runId, task, index, attempt, dagName, tenantId, type, command } = work;
  const data = dataOf(work, parts, given);
  if ("error" in data) return { ...data, mask };
  const merged = mergeParams(data.inputs);
  const params = data.over === undefined ? merged : { ...merged, ...data.over };
  const { options } = data;
  const { env } = parts;
  // Field by field: with a spread it takes many times as long.
  const call = { runId, task, index, attempt, dagName, tenantId, type, command, options, env, params };
  const { outputs } = work;
  const { folder: artifactFolder } = given.placed;
  if (outputs === undefined && artifactFolder === undefined) return { call, mask };
  const files = artifactFolder === undefined ? {} : { artifactFolder };
  return { call: { ...call, ...files, ...(outputs === undefined ? {} : { outputs }) }, mask };
}

type Data =
  | {
      readonly inputs: ResolvedInputs;
      readonly options: JsonObject;
      /** What artifacts and bindings put over the params. */
      readonly over?: JsonObject;
    }
  | { readonly error: TaskError };

type Parts = Omit<Revealed, "mask">;

/** Expressions evaluated, and what goes over the params; all as it is for a task that has none of these. */
function dataOf(work: Work, { inputs, options, bound }: Parts, { given, placed, patterns }: Given): Data {
  const { bindings, hasExpressions, edgeFilters } = work;
  const { artifacts } = inputs;
  if (artifacts === undefined && bindings === undefined && hasExpressions !== true)
    return { inputs, options };
  const there = given.map(placed.place);
  const over =
    artifacts === undefined ? {} : inputOfArtifacts(there, { isSingle: artifacts.single === true });
  if (bindings === undefined && hasExpressions !== true) return { inputs, options, over };
  const produced = byProducer(there);
  const outputs = new Map(inputs.upstream);
  const sources = new Sources({
    artifactsOf: (task) => produced.get(task) ?? [],
    outputOf: (task) => outputs.get(task)?.inline,
    ...(edgeFilters === undefined ? {} : { edgeFilters }),
    input: inputs.run.inline,
    patterns,
  });
  const own = inputs.own;
  const filled =
    hasExpressions === true
      ? fillIn({ type: work.type, params: own, options }, sources)
      : { params: own, options };
  if ("problem" in filled) return badInput(filled.problem);
  const resolved = resolveBindings(bindings ?? {}, sources, {
    config: filled.params,
    secret: (name) => bound[name] ?? null,
  });
  if ("problem" in resolved)
    return badInput(`binding '${resolved.problem.field}': ${resolved.problem.message}`);
  return {
    inputs: { ...inputs, own: filled.params },
    options: filled.options,
    over: { ...over, ...resolved.values },
  };
}

function badInput(message: string): { readonly error: TaskError } {
  return { error: { reason: "bad-input", message } };
}

/** References to the secrets that bindings name, by name. */
function boundSecrets({ bindings }: Work): Record<string, string> {
  if (bindings === undefined) return NONE;
  const names = Object.values(bindings).flatMap((binding) => secretOf(binding) ?? []);
  return Object.fromEntries(names.map((name) => [name, secretReference(name)]));
}

const NONE: Record<string, string> = Object.freeze({});

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A server that does not answer is waited for: the task has done nothing wrong. */
async function fetchInputs(work: Work, signal: AbortSignal, { blobs }: CallOptions): Promise<ResolvedInputs> {
  const owner = { runId: work.runId };
  const fetched = async <T>(stored: Stored<T>): Promise<{ inline: T }> => {
    if ("inline" in stored) return stored;
    return { inline: decodeValue(await blobs.get(owner, stored.ref, { until: signal })) as T };
  };
  const { inline: inputs } = await fetched<Inputs>(work.inputs);
  const upstream = inputs.upstream.map(async ([task, output]) => [task, await fetched(output)] as const);
  return { ...inputs, run: await fetched(inputs.run), upstream: await Promise.all(upstream) };
}
