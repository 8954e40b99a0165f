/**
 * What a pipeline does, worked out in the plainest way: after each event the whole graph is looked through. It knows
 * nothing of the core; the two are held against each other.
 */

export interface ModelArtifact extends HandedArtifact {
  readonly origin: string | null;
  /** The node whose task has handed it over. */
  readonly from: string;
}

export interface HandedArtifact {
  readonly id: string;
  readonly size: number | null;
  /** What filters may ask for. */
  readonly kind?: string | undefined;
  /** It is a file, and not a record alone. */
  readonly isFile?: boolean | undefined;
  /** Default: by the rules. */
  readonly origin?: string | null | undefined;
}

export interface ModelFilter {
  /** Larger than this passes. */
  readonly above?: number;
  /** This kind passes. */
  readonly kind?: string;
  readonly select?: "largest" | "smallest";
}

export interface ModelNode {
  readonly slug: string;
  readonly dependsOn: readonly string[];
  /** Without it the node has one task, whatever artifacts there are. */
  readonly fanMode?: "single" | "aggregate" | "grouped" | undefined;
  /** Where it has nothing, what it depends on stands for it. */
  readonly isGate: boolean;
  /** Its tasks are over as soon as they are there. */
  readonly runsNothing?: boolean;
  readonly mayFail?: boolean;
  readonly isCritical?: boolean;
  readonly filters: Readonly<Record<string, ModelFilter>>;
}

type BadEnd = "failed" | "crashed" | "cancelled";
export type ModelState = BadEnd | "queued" | "completed" | "skipped" | "filtered" | "upstream_failed";

export interface ModelTask {
  readonly node: string;
  /** What it is for: `a1` of an artifact, `group a1`, or nothing. */
  readonly key: string;
  /** Of a root, and of a node without a fan mode, nothing. */
  readonly input: readonly ModelArtifact[] | null;
  state: ModelState;
  artifacts: readonly ModelArtifact[];
}

export interface ModelOptions {
  /** At most so many tasks of a node. */
  readonly limit: number;
  /** What follows from a failure. Default `stop`. */
  readonly onFailure?: "continue" | "stop" | "allow_partial";
}

const KEPT: ReadonlySet<ModelState> = new Set(["completed", "skipped", "filtered"]);

export class GraphModel {
  readonly nodes: readonly ModelNode[];
  readonly tasks = new Map<string, ModelTask[]>();
  run: "running" | "completed" | BadEnd = "running";
  /** What the last event has dispatched; also what was cancelled in the same moment. */
  dispatched: ModelTask[] = [];
  readonly #limit: number;
  readonly #onFailure: NonNullable<ModelOptions["onFailure"]>;

  constructor(nodes: readonly ModelNode[], { limit, onFailure = "stop" }: ModelOptions) {
    this.nodes = nodes;
    this.#limit = limit;
    this.#onFailure = onFailure;
  }

  start(): void {
    this.dispatched = [];
    this.#launchReady();
  }

  end(
    task: ModelTask,
    state: "completed" | "skipped" | BadEnd,
    handed: readonly HandedArtifact[] = [],
  ): void {
    this.dispatched = [];
    const isBad = state === "failed" || state === "crashed";
    if (this.run !== "running") {
      if (task.state === "cancelled" && isBad) task.state = state;
      return;
    }
    task.state = state;
    task.artifacts = handed.map((each) => ({ ...each, origin: this.#originOf(each, task), from: task.node }));
    if (this.#isBad(task) && this.#onFailure === "stop") this.#stop(this.#verdict());
    else this.#launchReady();
  }

  abort(state: Exclude<GraphModel["run"], "running">): void {
    this.dispatched = [];
    if (this.run === "running") this.#stop(state);
  }

  /** Whether there is anything to run again; with `chosen` of these and what depends on them. */
  retry(chosen: readonly string[] = []): boolean {
    this.dispatched = [];
    if (this.run === "running" || this.run === "completed") return false;
    const again = this.#toRunAgain(chosen);
    if (again.size === 0) return false;
    this.run = "running";
    for (const node of this.nodes) if (!again.has(node)) this.#rest(node);
    const kept = new Set([...again].filter((node) => this.#keepsTasks(node, again)));
    for (const node of again) this.#startOver(node.slug, kept.has(node));
    this.#launchReady();
    return true;
  }

  queued(): ModelTask[] {
    return this.#all().filter(({ state }) => state === "queued");
  }

  /** By slug: how many tasks are in each state. */
  counts(): Record<string, Partial<Record<ModelState, number>> | undefined> {
    return Object.fromEntries(
      this.nodes.map(({ slug }) => {
        const tasks = this.tasks.get(slug);
        if (tasks === undefined) return [slug, undefined];
        const counts: Partial<Record<ModelState, number>> = {};
        for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
        return [slug, counts];
      }),
    );
  }

  /** What was never launched, and is not to be now, does not wait any more. */
  #rest({ slug }: ModelNode): void {
    if (!this.tasks.has(slug)) this.#add(slug, { key: "marker", input: null, state: "cancelled" });
  }

  /** In the order of the nodes. */
  #toRunAgain(chosen: readonly string[]): Set<ModelNode> {
    const below = new Set(chosen);
    for (let size = -1; size !== below.size;) {
      size = below.size;
      for (const { slug, dependsOn } of this.nodes)
        if (dependsOn.some((each) => below.has(each))) below.add(slug);
    }
    const isMeant = ({ slug }: ModelNode): boolean => chosen.length === 0 || below.has(slug);
    const isKept = ({ slug }: ModelNode): boolean =>
      this.tasks.get(slug)?.every(({ state }) => KEPT.has(state)) === true;
    return new Set(this.nodes.filter((node) => isMeant(node) && !isKept(node)));
  }

  /** Some of its tasks have failed, and what they are for stays as it is. */
  #keepsTasks({ slug, dependsOn }: ModelNode, again: ReadonlySet<ModelNode>): boolean {
    const tasks = this.tasks.get(slug) ?? [];
    if (tasks.some(({ key }) => key === "limit")) return false;
    if ([...again].some((other) => dependsOn.includes(other.slug))) return false;
    return tasks.some(({ state }) => state === "failed" || state === "crashed");
  }

  #startOver(slug: string, keepsTasks: boolean): void {
    if (!keepsTasks) {
      this.tasks.delete(slug);
      return;
    }
    for (const task of this.tasks.get(slug) ?? []) {
      if (KEPT.has(task.state)) continue;
      Object.assign(task, { state: "queued", artifacts: [] });
      this.dispatched.push(task);
    }
  }

  #launchReady(): void {
    for (;;) {
      this.#endBelowFailures();
      const ready = this.nodes.filter(
        ({ slug, dependsOn }) => !this.tasks.has(slug) && dependsOn.every((each) => this.#isDone(each)),
      );
      if (ready.length === 0) break;
      for (const node of ready) {
        this.#launch(node);
        if (this.run !== "running") return;
      }
    }
    if (this.nodes.every(({ slug }) => this.#isDone(slug))) this.run = this.#verdict();
  }

  #endBelowFailures(): void {
    for (let hasChanged = true; hasChanged;) {
      hasChanged = false;
      for (const { slug, dependsOn } of this.nodes) {
        if (this.tasks.has(slug) || !dependsOn.some((each) => this.#hasFailed(each))) continue;
        this.#add(slug, { key: "marker", input: null, state: "upstream_failed" });
        hasChanged = true;
      }
    }
  }

  #hasFailed(slug: string): boolean {
    return this.tasks.get(slug)?.some((task) => this.#isBad(task)) === true;
  }

  #isBad({ node, state }: ModelTask): boolean {
    if (state === "failed" || state === "crashed") return this.#node(node).mayFail !== true;
    return state === "cancelled" || state === "upstream_failed";
  }

  #verdict(): "completed" | "failed" | "crashed" {
    const isMeant = ({ node }: ModelTask): boolean =>
      this.#onFailure !== "allow_partial" || this.#node(node).isCritical === true;
    const bad = this.#all().filter((task) => this.#isBad(task) && isMeant(task));
    if (bad.some(({ state }) => state === "crashed")) return "crashed";
    return bad.length === 0 ? "completed" : "failed";
  }

  #isDone(slug: string): boolean {
    return this.tasks.get(slug)?.every(({ state }) => state !== "queued") === true;
  }

  #launch(node: ModelNode): void {
    const { slug, dependsOn, fanMode } = node;
    const add = (key: string, input: ModelTask["input"], state?: ModelState): void =>
      this.#add(slug, { key, input, state: state ?? (node.runsNothing === true ? "completed" : "queued") });
    if (dependsOn.some((each) => this.tasks.get(each)?.every(({ state }) => state === "skipped")))
      return add("marker", null, "skipped");
    if (dependsOn.length === 0 || fanMode === undefined) return add("", null);
    const edges = dependsOn.map((each) => this.#edge(node, each));
    const all = edges.flatMap(({ kept }) => kept);
    if (fanMode === "aggregate" && edges.some(({ isRejected }) => isRejected))
      return add("marker", null, "skipped");
    if (all.length === 0) return add("marker", null, "filtered");
    const groups = [...new Set(all.flatMap(({ origin }) => origin ?? []))];
    if (fanMode === "aggregate" || (fanMode === "grouped" && groups.length === 0)) return add("", all);
    if ((fanMode === "single" ? all : groups).length > this.#limit) {
      add("limit", null, "failed");
      if (this.#hasFailed(slug) && this.#onFailure === "stop") this.#stop(this.#verdict());
      return undefined;
    }
    if (fanMode === "single") for (const artifact of all) add(artifact.id, [artifact]);
    else
      for (const group of groups) {
        const own = all.filter(({ origin }) => origin === group);
        add(`group ${group}`, [...own, ...all.filter(({ origin }) => origin === null)]);
      }
    return undefined;
  }

  #add(node: string, task: Pick<ModelTask, "key" | "input" | "state">): void {
    const added: ModelTask = { ...task, node, artifacts: [] };
    this.tasks.set(node, [...(this.tasks.get(node) ?? []), added]);
    if (added.state === "queued") this.dispatched.push(added);
  }

  #edge(node: ModelNode, from: string): { kept: readonly ModelArtifact[]; isRejected: boolean } {
    const found = this.#find([from], new Set([from]), 50);
    const filter = node.filters[from];
    const kept = filter === undefined ? found : passing(found, filter);
    const isActive = filter !== undefined && Object.keys(filter).length > 0;
    return { kept, isRejected: isActive && found.length > 0 && kept.length === 0 };
  }

  /** Level by level: what has artifacts ends the search, as does what is no gate. */
  #find(level: readonly string[], seen: Set<string>, levels: number): readonly ModelArtifact[] {
    if (level.length === 0 || levels === 0) return [];
    const found = level.flatMap((slug) => (this.tasks.get(slug) ?? []).flatMap(({ artifacts }) => artifacts));
    if (found.length > 0) return found;
    const above: string[] = [];
    for (const slug of level) {
      const node = this.#node(slug);
      if (!node.isGate) continue;
      for (const each of node.dependsOn) {
        if (seen.has(each)) continue;
        seen.add(each);
        above.push(each);
      }
    }
    return this.#find(above, seen, levels - 1);
  }

  #stop(state: GraphModel["run"]): void {
    this.run = state;
    for (const task of this.#all()) if (task.state === "queued") task.state = "cancelled";
  }

  #originOf({ id, origin }: HandedArtifact, { node, key, input }: ModelTask): string | null {
    if (origin !== undefined) return origin;
    if (input === null) return id;
    if (key.startsWith("group ")) return key.slice("group ".length);
    const [from] = input;
    return this.#node(node).fanMode === "single" ? (from?.origin ?? from?.id ?? id) : null;
  }

  #node(slug: string): ModelNode {
    const found = this.nodes.find((each) => each.slug === slug);
    if (found === undefined) throw new Error(`no node ${slug}`);
    return found;
  }

  #all(): ModelTask[] {
    return [...this.tasks.values()].flat();
  }
}

/** What a filter leaves of some artifacts. */
export function passing<A extends HandedArtifact>(
  artifacts: readonly A[],
  { above, kind, select }: ModelFilter,
): readonly A[] {
  const kept = artifacts.filter(
    (each) =>
      (above === undefined || (each.size !== null && each.size > above)) &&
      (kind === undefined || each.kind === kind),
  );
  if (select === undefined) return kept;
  const sizes = kept.flatMap(({ size }) => size ?? []);
  const wanted = select === "largest" ? Math.max(...sizes) : Math.min(...sizes);
  return kept.filter(({ size }) => size === wanted).slice(0, 1);
}
