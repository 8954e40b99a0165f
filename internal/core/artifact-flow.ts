/** The artifacts of a run: who produced them, and who gets which. */
import type { Artifact, ProducedArtifact } from "./artifact.ts";
import { type CompiledFilter, compileFilter, isActive } from "./edge-filter.ts";
import {
  type EdgeInput,
  type FanMode,
  type InstanceInput,
  type Launch,
  launchOf,
  originOf,
} from "./fan-out.ts";
import type { Graph } from "./graph.ts";
import type { Instances } from "./instances.ts";

/** So many levels are looked through, that of the dependency among them: one more has none. */
const MAX_DEPTH = 50;

export class ArtifactFlow {
  readonly #graph: Graph;
  readonly #instances: Pick<Instances, "of" | "positionOf">;
  readonly #limit: number;
  /** By instance; without those that produced nothing. */
  readonly #produced = new Map<number, readonly Artifact[]>();
  /** By instance; without those that get nothing. */
  readonly #inputs = new Map<number, InstanceInput>();
  /** By position and dependency. */
  readonly #filters = new Map<number, ReadonlyMap<string, CompiledFilter>>();

  /** `limit`: so many instances may a task have. */
  constructor(graph: Graph, instances: Pick<Instances, "of" | "positionOf">, limit: number) {
    this.#graph = graph;
    this.#instances = instances;
    this.#limit = limit;
  }

  /** What the instance was launched for; `undefined` where it was launched for no artifact. */
  inputOf(instance: number): InstanceInput | undefined {
    return this.#inputs.get(instance);
  }
  producedBy(instance: number): readonly Artifact[] {
    return this.#produced.get(instance) ?? [];
  }
  /** Of all instances of a task, in their order. */
  artifactsOf(position: number): readonly Artifact[] {
    // Nearly all runs have none.
    if (this.#produced.size === 0) return [];
    const [first = 0, ...further] = this.#instances.of(position);
    if (further.length === 0) return this.producedBy(first);
    return [first, ...further].flatMap((instance) => this.producedBy(instance));
  }

  receive(instance: number, input: InstanceInput): void {
    this.#inputs.set(instance, input);
  }
  record(instance: number, produced: readonly ProducedArtifact[]): void {
    if (produced.length === 0) return;
    const input = this.inputOf(instance);
    const producedBy = this.#graph.task(this.#instances.positionOf(instance)).id;
    this.#produced.set(
      instance,
      produced.map((artifact) => ({
        ...artifact,
        producedBy,
        origin: artifact.origin === undefined ? originOf(artifact.id, input) : artifact.origin,
      })),
    );
  }
  /** What it produced does not count any more. */
  withdraw(instance: number): void {
    this.#produced.delete(instance);
    this.#inputs.delete(instance);
  }

  /** All that the task depends on has ended. */
  launch(position: number, mode: FanMode): Launch {
    return launchOf(mode, this.edgesOf(position), this.#limit);
  }

  /** What each dependency has for the task, in the order of `depends_on`. */
  edgesOf(position: number): EdgeInput[] {
    const filters = this.#filtersOf(position);
    return [...this.#graph.parentsOf(position)].map((parent) => {
      const found = this.#lookUp(parent);
      const filter = filters.get(this.#graph.task(parent).id);
      return { found, kept: filter?.(found) ?? found, isFiltered: filter !== undefined };
    });
  }

  /**
   * The artifacts of a dependency; where it has none and hands through, those of the nearest level above it that has
   * any, as long as all between hand through.
   */
  #lookUp(dependency: number): readonly Artifact[] {
    const seen = new Set([dependency]);
    for (let level = [dependency], depth = 0; level.length > 0 && depth < MAX_DEPTH; depth++) {
      const found = level.flatMap((position) => this.artifactsOf(position));
      if (found.length > 0) return found;
      const above: number[] = [];
      for (const position of level) {
        if (this.#graph.task(position).isPassthrough !== true) continue;
        for (const parent of this.#graph.parentsOf(position)) {
          if (seen.has(parent)) continue;
          seen.add(parent);
          above.push(parent);
        }
      }
      level = above;
    }
    return [];
  }

  #filtersOf(position: number): ReadonlyMap<string, CompiledFilter> {
    let compiled = this.#filters.get(position);
    if (compiled === undefined) {
      const given = Object.entries(this.#graph.task(position).edgeFilters ?? {});
      compiled = new Map(
        given.filter(([, filter]) => isActive(filter)).map(([id, filter]) => [id, compileFilter(filter)]),
      );
      this.#filters.set(position, compiled);
    }
    return compiled;
  }
}
