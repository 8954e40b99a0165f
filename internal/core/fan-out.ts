/**
 * What a task launches once all that it depends on has ended: how many instances, and which artifacts each one gets.
 *
 * Order is part of the contract: edges as in `depends_on`, artifacts of an edge as their instances are numbered and as
 * each one handed them over. Nothing is left out for standing there twice.
 */
import type { Artifact } from "./artifact.ts";

/**
 * single: an instance for each artifact. grouped: one for each origin, with the artifacts that belong to no origin.
 * aggregate: one with all of them.
 */
export type FanMode = "single" | "aggregate" | "grouped";

export const DEFAULT_FAN_OUT_LIMIT = 100_000;

/** What one dependency has for the task. */
export interface EdgeInput {
  /** Before the filter. */
  readonly found: readonly Artifact[];
  /** After it. */
  readonly kept: readonly Artifact[];
  /** Whether the filter says anything at all. */
  readonly isFiltered: boolean;
}

/** What one instance gets. */
export interface InstanceInput {
  /** Of a grouped instance: the origin that its artifacts go back to. */
  readonly origin?: string;
  /** Of a single instance: it gets one artifact, and not a list of them. */
  readonly isSingle?: true;
  readonly artifacts: readonly Artifact[];
}

export type Launch =
  | { readonly kind: "instances"; readonly inputs: readonly InstanceInput[] }
  /** What depends on it is skipped too. */
  | { readonly kind: "skipped" }
  /** Nothing for it, and nothing more follows from that. */
  | { readonly kind: "filtered" }
  /** More instances than a task may have. */
  | { readonly kind: "too-many"; readonly message: string };

/** `limit`: at most so many instances. */
export function launchOf(mode: FanMode, edges: readonly EdgeInput[], limit: number): Launch {
  const collected = edges.flatMap(({ kept }) => kept);
  if (mode === "aggregate" && edges.some(isRejected)) return { kind: "skipped" };
  if (collected.length === 0) return { kind: "filtered" };
  switch (mode) {
    case "single":
      if (collected.length > limit) return tooMany(collected.length, "artifacts", limit);
      return {
        kind: "instances",
        inputs: collected.map((artifact) => ({ isSingle: true, artifacts: [artifact] })),
      };
    case "grouped":
      return grouped(collected, limit);
    case "aggregate":
      return { kind: "instances", inputs: [{ artifacts: collected }] };
  }
}

function tooMany(count: number, unit: "artifacts" | "groups", limit: number): Launch {
  return { kind: "too-many", message: `${count} ${unit}, and a task may have ${limit} instances at most` };
}

/** There was something, and the filter has left nothing of it. */
function isRejected({ found, kept, isFiltered }: EdgeInput): boolean {
  return isFiltered && found.length > 0 && kept.length === 0;
}

function grouped(collected: readonly Artifact[], limit: number): Launch {
  const groups = new Map<string, Artifact[]>();
  const shared: Artifact[] = [];
  for (const artifact of collected) {
    if (artifact.origin === null) shared.push(artifact);
    else if (groups.get(artifact.origin)?.push(artifact) === undefined)
      groups.set(artifact.origin, [artifact]);
  }
  if (groups.size > limit) return tooMany(groups.size, "groups", limit);
  if (groups.size === 0) return { kind: "instances", inputs: [{ artifacts: shared }] };
  const inputs = [...groups].map(([origin, own]) => groupInput(origin, own, shared));
  return { kind: "instances", inputs };
}

/** What belongs to no group is kept once for all of them: there may be many of both. */
function groupInput(origin: string, own: readonly Artifact[], shared: readonly Artifact[]): InstanceInput {
  if (shared.length === 0) return { origin, artifacts: own };
  return {
    origin,
    get artifacts() {
      return [...own, ...shared];
    },
  };
}

/** What an instance was launched for: the id of its artifact, or of the origin of its artifacts; nothing where that is all there are. */
export function launchedFor(input: InstanceInput | undefined): string | undefined {
  return input?.origin ?? (input?.isSingle === true ? input.artifacts[0]?.id : undefined);
}

/** The origin of an artifact that an instance with this input hands over; a root has no input. */
export function originOf(id: string, input: InstanceInput | undefined): string | null {
  if (input === undefined) return id;
  if (input.origin !== undefined) return input.origin;
  if (input.isSingle !== true) return null;
  const [from] = input.artifacts;
  return from === undefined ? id : (from.origin ?? from.id);
}
