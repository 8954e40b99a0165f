/** What an attempt is called with: its inputs fetched, secrets in their places, artifacts and bindings over its params. */
import { toArtifact } from "../core/artifact-record.ts";
import type { Artifact, PlacedArtifact } from "../core/artifact.ts";
import type { GivenArtifacts, Inputs, Work } from "../core/attempt.ts";
import { resolveBindings, secretOf } from "../core/bindings.ts";
import type { Patterns } from "../core/expression/patterns.ts";
import type { JsonObject } from "../core/json.ts";
import type { Mask } from "../core/mask.ts";
import type { TaskError } from "../core/outcome.ts";
import { isResolved, mergeParams, type ResolvedInputs } from "../core/params.ts";
import { secretReference } from "../core/secrets.ts";
import { decodeValue, type Stored } from "../core/stored.ts";
import { inputOfArtifacts } from "../core/task-input.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { TaskCall } from "../ports/task-executor.ts";
import { type Revealed, revealSecrets } from "./attempt-secrets.ts";

export interface CallOptions {
  readonly blobs: Pick<Blobs, "get">;
  readonly secrets: Secrets;
  readonly patterns: Patterns;
}

export type Opened =
  | { readonly call: TaskCall; readonly mask?: Mask | undefined }
  | { readonly error: TaskError; readonly mask?: Mask | undefined };

/** `undefined` when the signal was aborted before it was ready. */
export async function openCall(
  work: Work,
  signal: AbortSignal,
  options: CallOptions,
): Promise<Opened | undefined> {
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
  return "error" in parts ? parts : callOf(work, parts, options.patterns);
}

function callOf(work: Work, { mask, ...parts }: Revealed, patterns: Patterns): Opened {
  const { runId, task, index, attempt, dagName, tenantId, type, command } = work;
  const about = { runId, task, index, attempt, dagName, tenantId, type, command };
  const data = dataOf(work, parts, patterns);
  if ("error" in data) return { ...data, mask };
  const merged = mergeParams(parts.inputs);
  const params = data.params === undefined ? merged : { ...merged, ...data.params };
  return { call: { ...about, options: parts.options, env: parts.env, params }, mask };
}

type Data = { readonly params?: JsonObject } | { readonly error: TaskError };

/** What artifacts and bindings put over the params; nothing for a task that has none of either. */
function dataOf(
  { bindings, edgeFilters }: Work,
  { inputs, bound }: Omit<Revealed, "mask">,
  patterns: Patterns,
): Data {
  const { artifacts } = inputs;
  if (artifacts === undefined && bindings === undefined) return {};
  const given = artifacts === undefined ? {} : inputOf(artifacts);
  if (bindings === undefined) return { params: given };
  const produced = producedBy(artifacts?.items.map(toArtifact) ?? []);
  const resolved = resolveBindings(bindings, {
    artifactsOf: (task) => produced.get(task) ?? [],
    ...(edgeFilters === undefined ? {} : { edgeFilters }),
    input: inputs.run.inline,
    config: inputs.own,
    secret: (name) => bound[name] ?? null,
    patterns,
  });
  if ("values" in resolved) return { params: { ...given, ...resolved.values } };
  const { field, message } = resolved.problem;
  return { error: { reason: "bad-input", message: `binding '${field}': ${message}` } };
}

function inputOf({ single, items }: GivenArtifacts): JsonObject {
  return inputOfArtifacts(items.map(toArtifact).map(placed), { isSingle: single === true });
}

function placed(artifact: Artifact): PlacedArtifact {
  return { ...artifact, path: null };
}

/** By task; what has come on several ways stands there once. */
function producedBy(artifacts: readonly Artifact[]): Map<string, PlacedArtifact[]> {
  const byTask = new Map<string, Map<string, PlacedArtifact>>();
  for (const artifact of artifacts) {
    const own = byTask.get(artifact.producedBy) ?? new Map<string, PlacedArtifact>();
    byTask.set(artifact.producedBy, own.set(artifact.id, placed(artifact)));
  }
  return new Map([...byTask].map(([task, own]) => [task, [...own.values()]]));
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
