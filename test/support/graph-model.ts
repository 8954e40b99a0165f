/**
 * What a pipeline does, worked out in the plainest way: after each event the whole graph is looked through. It knows
 * nothing of the core; the two are held against each other.
 */

export interface ModelArtifact {
  readonly id: string;
  readonly size: number | null;
  readonly origin: string | null;
}

export interface ModelFilter {
  /** Larger than this passes. */
  readonly above?: number;
  readonly select?: "largest" | "smallest";
}

export interface ModelNode {
  readonly slug: string;
  readonly dependsOn: readonly string[];
  readonly fanMode: "single" | "aggregate" | "grouped";
  readonly isGate: boolean;
  readonly filters: Readonly<Record<string, ModelFilter>>;
}

type State = "queued" | "completed" | "failed" | "crashed" | "cancelled" | "skipped" | "filtered";

export interface ModelTask {
  readonly node: string;
  /** What it is for: `a1` of an artifact, `group a1`, or nothing. */
  readonly key: string;
  /** Ids, of a root none. */
  readonly input: readonly string[] | null;
  state: State;
  artifacts: readonly ModelArtifact[];
}

const KEPT: ReadonlySet<State> = new Set(["completed", "skipped", "filtered"]);

export class GraphModel {
  readonly nodes: readonly ModelNode[];
  readonly limit: number;
  readonly tasks = new Map<string, ModelTask[]>();
  run: "running" | "completed" | "failed" | "crashed" | "cancelled" = "running";
  /** What the last event has dispatched; also what was cancelled in the same moment. */
  dispatched: ModelTask[] = [];

  constructor(nodes: readonly ModelNode[], limit: number) {
    this.nodes = nodes;
    this.limit = limit;
  }

  start(): void {
    this.dispatched = [];
    this.#launchReady();
  }

  end(
    task: ModelTask,
    state: "completed" | "failed" | "crashed",
    artifacts: readonly ModelArtifact[] = [],
  ): void {
    this.dispatched = [];
    if (this.run !== "running") {
      if (task.state === "cancelled" && state !== "completed") task.state = state;
      return;
    }
    task.state = state;
    if (state === "completed") {
      task.artifacts = artifacts;
      this.#launchReady();
    } else this.#stop(state);
  }

  abort(state: "failed" | "crashed" | "cancelled"): void {
    this.dispatched = [];
    if (this.run === "running") this.#stop(state);
  }

  /** Whether there is anything to run again. */
  retry(): boolean {
    this.dispatched = [];
    if (this.run === "running" || this.run === "completed") return false;
    this.run = "running";
    for (const { slug } of this.nodes) this.#retryNode(slug);
    this.#launchReady();
    return true;
  }

  queued(): ModelTask[] {
    return this.#all().filter(({ state }) => state === "queued");
  }

  /** By slug: how many tasks are in each state. */
  counts(): Record<string, Partial<Record<State, number>> | undefined> {
    return Object.fromEntries(
      this.nodes.map(({ slug }) => {
        const tasks = this.tasks.get(slug);
        if (tasks === undefined) return [slug, undefined];
        const counts: Partial<Record<State, number>> = {};
        for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
        return [slug, counts];
      }),
    );
  }

  #retryNode(slug: string): void {
    const tasks = this.tasks.get(slug);
    if (tasks === undefined || tasks.every(({ state }) => KEPT.has(state))) return;
    const isMarker = tasks.some(({ key }) => key === "limit");
    const hasFailed = tasks.some(({ state }) => state === "failed" || state === "crashed");
    if (!hasFailed || isMarker) {
      this.tasks.delete(slug);
      return;
    }
    const again = tasks.map((task): ModelTask =>
      task.state === "completed" ? task : { ...task, state: "queued", artifacts: [] },
    );
    this.tasks.set(slug, again);
    this.dispatched.push(...again.filter(({ state }) => state === "queued"));
  }

  #launchReady(): void {
    for (;;) {
      const ready = this.nodes.filter(
        ({ slug, dependsOn }) => !this.tasks.has(slug) && dependsOn.every((each) => this.#isDone(each)),
      );
      if (ready.length === 0) break;
      for (const node of ready) {
        this.#launch(node);
        if (this.run !== "running") return;
      }
    }
    if (this.nodes.every(({ slug }) => this.#isDone(slug))) this.run = "completed";
  }

  #isDone(slug: string): boolean {
    return this.tasks.get(slug)?.every(({ state }) => state !== "queued") === true;
  }

  #launch(node: ModelNode): void {
    const { slug, dependsOn, fanMode } = node;
    const add = (key: string, input: readonly string[] | null, state: State = "queued"): void => {
      const task: ModelTask = { node: slug, key, input, state, artifacts: [] };
      this.tasks.set(slug, [...(this.tasks.get(slug) ?? []), task]);
      if (state === "queued") this.dispatched.push(task);
    };
    if (dependsOn.length === 0) return add("", null);
    if (dependsOn.some((each) => this.tasks.get(each)?.every(({ state }) => state === "skipped")))
      return add("marker", null, "skipped");
    const edges = dependsOn.map((each) => this.#edge(node, each));
    const all = edges.flatMap(({ kept }) => kept);
    const ids = (artifacts: readonly ModelArtifact[]): string[] => artifacts.map(({ id }) => id);
    if (fanMode === "aggregate" && edges.some(({ isRejected }) => isRejected))
      return add("marker", null, "skipped");
    if (all.length === 0) return add("marker", null, "filtered");
    const groups = [...new Set(all.flatMap(({ origin }) => origin ?? []))];
    if (fanMode === "aggregate" || (fanMode === "grouped" && groups.length === 0)) return add("", ids(all));
    if ((fanMode === "single" ? all : groups).length > this.limit) {
      add("limit", null, "failed");
      return this.#stop("failed");
    }
    if (fanMode === "single") for (const { id } of all) add(id, [id]);
    else
      for (const group of groups) {
        const own = all.filter(({ origin }) => origin === group);
        add(`group ${group}`, ids([...own, ...all.filter(({ origin }) => origin === null)]));
      }
    return undefined;
  }

  #edge(node: ModelNode, from: string): { kept: readonly ModelArtifact[]; isRejected: boolean } {
    const found = this.#find([from], new Set([from]), 50);
    const filter = node.filters[from];
    if (filter === undefined) return { kept: found, isRejected: false };
    let kept = found.filter(
      ({ size }) => filter.above === undefined || (size !== null && size > filter.above),
    );
    if (filter.select !== undefined) {
      const sizes = kept.flatMap(({ size }) => size ?? []);
      const wanted = filter.select === "largest" ? Math.max(...sizes) : Math.min(...sizes);
      kept = kept.filter(({ size }) => size === wanted).slice(0, 1);
    }
    const isActive = filter.above !== undefined || filter.select !== undefined;
    return { kept, isRejected: isActive && found.length > 0 && kept.length === 0 };
  }

  /** Level by level: what has artifacts ends the search, as does what is no gate. */
  #find(level: readonly string[], seen: Set<string>, levels: number): readonly ModelArtifact[] {
    if (level.length === 0 || levels === 0) return [];
    const found = level.flatMap((slug) => (this.tasks.get(slug) ?? []).flatMap(({ artifacts }) => artifacts));
    if (found.length > 0) return found;
    const above: string[] = [];
    for (const slug of level) {
      const node = this.nodes.find((each) => each.slug === slug);
      if (node?.isGate !== true) continue;
      for (const each of node.dependsOn) {
        if (seen.has(each)) continue;
        seen.add(each);
        above.push(each);
      }
    }
    return this.#find(above, seen, levels - 1);
  }

  #stop(state: "failed" | "crashed" | "cancelled"): void {
    this.run = state;
    for (const task of this.#all()) if (task.state === "queued") task.state = "cancelled";
  }

  #all(): ModelTask[] {
    return [...this.tasks.values()].flat();
  }
}
