/** An engine with a store and a queue in memory, which tell what came to them. */
import { Engine, type EngineOptions, type EngineTask, type RunEnd } from "../../cmd/library/engine.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { MemoryEventStore } from "./memory-event-store.ts";

export class EngineRig {
  readonly store: MemoryEventStore;
  readonly engine: Engine;
  readonly dispatched: EngineTask[] = [];
  readonly cancelled: EngineTask[] = [];
  readonly ends: RunEnd[] = [];
  /** In the order in which it was told. */
  readonly told: string[] = [];

  constructor(options: Partial<EngineOptions> = {}) {
    this.store = (options.store as MemoryEventStore | undefined) ?? new MemoryEventStore();
    this.engine = new Engine({
      store: this.store,
      dispatch: (task) => {
        this.dispatched.push(task);
        this.told.push(`dispatch ${labelOf(task)}`);
      },
      cancel: (task) => {
        this.cancelled.push(task);
        this.told.push(`cancel ${labelOf(task)}`);
      },
      onEnd: (end) => {
        this.ends.push(end);
        this.told.push(`end ${end.state}`);
      },
      ...options,
    });
  }

  /** What was told since it was asked last. */
  news(): string[] {
    return this.told.splice(0);
  }

  /** The task of the node that was dispatched last, or of the artifact or group. */
  task(node: string, key?: string): EngineTask {
    const found = this.dispatched.findLast(
      (task) => task.node === node && (key === undefined || key === task.input || key === task.origin),
    );
    if (found === undefined) throw new Error(`node ${node} was not dispatched: ${this.told.join(", ")}`);
    return found;
  }
}

/** Such as `b(1)#2`: node, what it is for, attempt. */
export function labelOf({ node, input, origin, attempt }: EngineTask): string {
  const key = input ?? origin;
  return `${node}${key === undefined ? "" : `(${key})`}#${attempt}`;
}

/** All that was stored of a run. */
export async function eventsOf(store: MemoryEventStore, runId: string): Promise<JsonObject[]> {
  return store.read(runId, 1);
}
