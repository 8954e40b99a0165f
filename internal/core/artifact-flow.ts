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
import { Passthrough } from "./passthrough.ts";

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
  readonly #passthrough: Passthrough;

  /** `limit`: so many instances may a task have. */
  constructor(graph: Graph, instances: Pick<Instances, "of" | "positionOf">, limit: number) {
    this.#graph = graph;
    this.#instances = instances;
    this.#limit = limit;
    this.#passthrough = new Passthrough({
      graph,
      hasArtifacts: (position) => instances.of(position).some((instance) => this.#produced.has(instance)),
    });
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
    const position = this.#instances.positionOf(instance);
    const producedBy = this.#graph.task(position).id;
    this.#passthrough.changed(position);
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
    this.#passthrough.changed(this.#instances.positionOf(instance));
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
      const found = this.#passthrough.behind(parent).flatMap((position) => this.artifactsOf(position));
      const filter = filters.get(this.#graph.task(parent).id);
      return { found, kept: filter?.(found) ?? found, isFiltered: filter !== undefined };
    });
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
