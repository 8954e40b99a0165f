/**
 * What follows from the ends of instances: which tasks are launched, and with what; which never will be; and what it all
 * comes to.
 */
import { ArtifactFlow } from "./artifact-flow.ts";
import type { ProducedArtifact } from "./artifact.ts";
import type { Launch } from "./fan-out.ts";
import type { Graph } from "./graph.ts";
import type { Instances } from "./instances.ts";
import type { Task } from "./model.ts";
import { Readiness } from "./readiness.ts";
import { isKept, keepsItsPlace } from "./rerun.ts";
import { isSkipped, resultOf, type TaskResult } from "./task-result.ts";
import { GATE } from "./task-types.ts";
import { Verdict } from "./verdict.ts";

export interface TaskFlowOptions {
  readonly graph: Graph;
  readonly instances: Instances;
  /** So many instances may a task have. */
  readonly fanOutLimit: number;
  /** The instance is to be tried. */
  begin(instance: number): void;
  /** The run ends with this, before all of its tasks have. */
  stop(message: string): void;
}

export class TaskFlow {
  readonly graph: Graph;
  readonly instances: Instances;
  readonly artifacts: ArtifactFlow;
  readonly verdict: Verdict;
  readonly #options: Pick<TaskFlowOptions, "begin" | "stop">;
  readonly #readiness: Readiness;
  /** By position: why nothing of the task could be launched. */
  readonly #unlaunched = new Map<number, string>();
  #isStopped = false;

  constructor({ graph, instances, fanOutLimit, ...options }: TaskFlowOptions) {
    this.graph = graph;
    this.instances = instances;
    this.artifacts = new ArtifactFlow(graph, instances, fanOutLimit);
    this.verdict = new Verdict(graph.dag.onFailure);
    this.#options = options;
    this.#readiness = new Readiness(graph);
  }

  whyNotLaunched(position: number): string | undefined {
    return this.#unlaunched.get(position);
  }
  resultOf(position: number): TaskResult {
    return resultOf(position, this.instances, this.graph.task(position));
  }

  /** A wave at a time: what comes to nothing frees what depends on it for the next one. */
  launchReady(): void {
    for (let wave = this.#readiness.take(); wave.length > 0; wave = this.#readiness.take()) {
      for (const position of wave) {
        if (this.#isStopped) return;
        if (this.instances.isUnfinished(position)) this.#launch(position);
      }
    }
  }

  complete(instance: number, produced: readonly ProducedArtifact[]): void {
    this.artifacts.record(instance, produced);
    this.pass(instance, "completed");
  }

  /** It ends as it may, and its task perhaps with it. */
  pass(instance: number, state: "completed" | "skipped" | "filtered"): void {
    this.instances.become(instance, state);
    this.#release(instance);
  }

  endBadly(instance: number, state: "failed" | "crashed" | "cancelled", why: string): void {
    this.instances.become(instance, state);
    this.#judge(instance);
    const task = this.#taskOf(instance);
    // What was cancelled has not failed.
    if (task.allowFailure && state !== "cancelled") {
      this.#release(instance);
      return;
    }
    switch (this.graph.dag.onFailure) {
      case "stop":
        this.#isStopped = true;
        this.#options.stop(`task '${task.id}' ${state}: ${why}`);
        break;
      case "continue":
      case "allow_partial":
        this.#endDownstream(this.instances.positionOf(instance));
        break;
    }
  }

  /** These run again, and readiness is worked out anew over the whole graph; `forget` is told of each instance that starts over. */
  again(positions: readonly number[], forget: (instance: number) => void): void {
    this.#isStopped = false;
    this.verdict.startOver();
    this.#readiness.startOver();
    const all = new Set(positions);
    const keeps = new Set(positions.filter((position) => keepsItsPlace(position, this, all)));
    for (const position of positions) this.#startOver(position, keeps.has(position), forget);
    for (const position of this.graph.order) this.#rejoin(position, keeps.has(position));
    for (const position of [...keeps].toSorted((a, b) => a - b)) this.#goOn(position);
    this.launchReady();
  }

  #launch(position: number): void {
    const parents = this.graph.parentsOf(position);
    const { fanMode } = this.graph.task(position);
    if (parents.some((parent) => isSkipped(parent, this.instances))) this.pass(position, "skipped");
    else if (fanMode === undefined || parents.length === 0) this.#begin(position);
    else this.#fanOut(position, this.artifacts.launch(position, fanMode));
  }

  #fanOut(position: number, launch: Launch): void {
    switch (launch.kind) {
      case "skipped":
      case "filtered":
        this.pass(position, launch.kind);
        break;
      case "too-many":
        this.#unlaunched.set(position, launch.message);
        this.endBadly(position, "failed", launch.message);
        break;
      case "instances":
        this.instances.launch(position, launch.inputs.length);
        for (const [index, input] of launch.inputs.entries()) {
          const instance = this.instances.numberOf(position, index) ?? position;
          this.artifacts.receive(instance, input);
          this.#begin(instance);
        }
    }
  }

  #begin(instance: number): void {
    if (this.#taskOf(instance).type === GATE) this.pass(instance, "completed");
    else this.#options.begin(instance);
  }

  /** Of a task that keeps its instances those run again that did not succeed; another one is launched anew. */
  #startOver(position: number, keepsInstances: boolean, forget: (instance: number) => void): void {
    this.#unlaunched.delete(position);
    for (const instance of this.instances.of(position)) {
      if (keepsInstances && isKept(this.instances.state(instance))) continue;
      forget(instance);
      if (keepsInstances) this.instances.startOver(instance);
      else this.artifacts.withdraw(instance);
    }
    if (!keepsInstances) this.instances.withdraw(position);
  }

  /** The place of a task in a new generation; its parents have theirs. */
  #rejoin(position: number, isLaunched: boolean): void {
    if (this.resultOf(position) !== "open") {
      for (const instance of this.instances.of(position)) this.#judge(instance);
      return;
    }
    const parents = [...this.graph.parentsOf(position)];
    if (parents.some((parent) => this.resultOf(parent) === "failed")) {
      this.#neverStart(position);
      return;
    }
    const pending = parents.filter((parent) => !this.instances.hasEnded(parent));
    this.#readiness.reset(position, pending.length, { isLaunched });
  }

  /** With the instances that it has. */
  #goOn(position: number): void {
    for (const instance of this.instances.of(position)) {
      if (this.instances.isUnfinished(instance)) this.#begin(instance);
    }
  }

  /** What its end means for the run; an end that is as it should be means nothing. */
  #judge(instance: number): void {
    const task = this.#taskOf(instance);
    const state = this.instances.state(instance);
    const isBad = state === "failed" || state === "crashed";
    if (state === "cancelled" || state === "upstream_failed" || (isBad && !task.allowFailure))
      this.verdict.add(task, state);
  }

  /** What depends on a task that has failed never starts. */
  #endDownstream(from: number): void {
    const stack = [from];
    for (let position = stack.pop(); position !== undefined; position = stack.pop()) {
      for (const child of this.graph.childrenOf(position)) if (this.#neverStart(child)) stack.push(child);
    }
  }

  /** Whether it had not ended before. */
  #neverStart(position: number): boolean {
    if (!this.instances.isUnfinished(position)) return false;
    this.instances.become(position, "upstream_failed");
    this.#judge(position);
    return true;
  }

  /** What depends on its task may be launched once the last instance has ended. */
  #release(instance: number): void {
    const position = this.instances.positionOf(instance);
    if (this.instances.hasEnded(position)) this.#readiness.release(position);
  }

  #taskOf(instance: number): Task {
    return this.graph.task(this.instances.positionOf(instance));
  }
}
