/** Pipelines by chance, and what their tasks hand over. */
import type { Pipeline } from "../../cmd/library/engine.ts";
import type { HandedArtifact, ModelFilter, ModelNode } from "./graph-model.ts";
import type { SeededRandom } from "./random.ts";

export const GATE_PLUGIN = "gate";

/** In an order in which what a node depends on may come after it. */
export function randomNodes(random: SeededRandom): ModelNode[] {
  const size = 1 + random.below(10);
  const names = Array.from({ length: size }, (_, i) => `n${i}`);
  const nodes = names.map((slug, i): ModelNode => {
    const before = names.slice(0, i).filter(() => random.chance(2 / Math.max(2, i)));
    const dependsOn = shuffled(before, random);
    const filtered = dependsOn.filter(() => random.chance(0.3));
    return {
      slug,
      dependsOn,
      fanMode: random.pick(["single", "aggregate", "grouped"]),
      isGate: random.chance(0.3),
      filters: Object.fromEntries(filtered.map((each) => [each, randomFilter(random)])),
    };
  });
  return shuffled(nodes, random);
}

function randomFilter(random: SeededRandom): ModelFilter {
  return {
    ...(random.chance(0.7) ? { above: random.below(12) } : {}),
    ...(random.chance(0.3) ? { select: random.pick(["largest", "smallest"]) } : {}),
  };
}

/** What a task hands over. */
export function randomArtifacts(random: SeededRandom, prefix: string, limit: number): HandedArtifact[] {
  const count = random.chance(0.3) ? 0 : random.below(random.chance(0.05) ? limit + 2 : 4);
  return Array.from({ length: count }, (_, i) => ({
    id: `${prefix}-${i}`,
    size: random.chance(0.2) ? null : random.below(10),
  }));
}

export function pipelineOf(nodes: readonly ModelNode[]): Pipeline {
  return {
    nodes: nodes.map(({ slug, dependsOn, fanMode, isGate, filters }) => ({
      slug,
      plugin: isGate ? GATE_PLUGIN : "plugin",
      dependsOn,
      fanMode,
      edgeFilters: Object.fromEntries(
        Object.entries(filters).map(([from, { above, select }]) => [
          from,
          {
            rules: above === undefined ? [] : [{ field: "file_size", op: "gt", value: above } as const],
            ...(select === undefined ? {} : { select }),
          },
        ]),
      ),
    })),
  };
}

export function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  return items
    .map((item) => [random.next(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);
}
