/** What a task finds in its params of the artifacts that it was launched for. */
import type { PlacedArtifact } from "./artifact.ts";
import type { JsonObject } from "./json.ts";

/** Of one artifact its metadata and, over these, its file; of several a list. */
export function inputOfArtifacts(
  artifacts: readonly PlacedArtifact[],
  { isSingle }: { readonly isSingle: boolean },
): JsonObject {
  const [first] = artifacts;
  if (!isSingle) return { artifacts: artifacts.map(listed) };
  if (first === undefined) return {};
  const { metadata, name, path, size, mimeType } = first;
  return {
    ...metadata,
    file_path: path,
    file_name: name,
    ...(size === null ? {} : { file_size: size }),
    ...(mimeType === null ? {} : { mime_type: mimeType }),
  };
}

function listed({ path, name, size, mimeType, metadata }: PlacedArtifact): JsonObject {
  return { file_path: path, file_name: name, file_size: size, mime_type: mimeType, metadata };
}

/** By the task that handed them over; what has come on several ways stands there once. */
export function byProducer<A extends { readonly id: string; readonly producedBy: string }>(
  artifacts: readonly A[],
): ReadonlyMap<string, readonly A[]> {
  const byTask = new Map<string, Map<string, A>>();
  for (const artifact of artifacts) {
    const own = byTask.get(artifact.producedBy) ?? new Map<string, A>();
    byTask.set(artifact.producedBy, own.set(artifact.id, artifact));
  }
  return new Map([...byTask].map(([task, own]) => [task, [...own.values()]]));
}
