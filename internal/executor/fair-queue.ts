/**
 * What is owed and waits for its turn, for one queue: by priority, then in turn by tenant, then in turn by
 * run, then in the order in which it became owed. So a run of a million tasks does not starve a small one.
 */
import type { Owed } from "../core/change.ts";
import type { RunFold } from "../core/run-fold.ts";

export interface Due extends Owed {
  /** Who was here before may have enqueued it, and a worker may have it. */
  readonly mayBeHeld?: true;
}

interface Backlog {
  readonly run: RunFold;
  readonly items: Due[];
  /** Items before this one are taken. */
  head: number;
}

export interface Turn {
  readonly run: RunFold;
  readonly owed: Due;
}

/** A rotation is a map in insertion order: who had a turn goes to its end. */
type Rotation<T> = Map<string, T>;

export class FairQueue {
  /** By priority, highest first. */
  readonly #levels = new Map<number, Rotation<Rotation<Backlog>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(run: RunFold, owed: Due): void {
    const level = this.#level(run.taskOf(owed.instance).priority);
    const tenant = getOrAdd(level, run.submitted.tenantId, () => new Map<string, Backlog>());
    getOrAdd(tenant, run.runId, () => ({ run, items: [], head: 0 })).items.push(owed);
    this.#size++;
  }

  /** The next in turn among the runs that are eligible; `undefined` when there is none. */
  take(isEligible: (run: RunFold) => boolean): Turn | undefined {
    for (const level of this.#levels.values()) {
      for (const [tenantId, tenant] of level) {
        const backlog = firstEligible(tenant, isEligible);
        if (backlog === undefined) continue;
        const owed = this.#shift(tenant, backlog);
        level.delete(tenantId);
        if (tenant.size > 0) level.set(tenantId, tenant);
        return { run: backlog.run, owed };
      }
    }
    return undefined;
  }

  /** Forgets all that waits of a run. */
  drop(run: RunFold): void {
    for (const level of this.#levels.values()) {
      const tenant = level.get(run.submitted.tenantId);
      const backlog = tenant?.get(run.runId);
      if (tenant === undefined || backlog === undefined) continue;
      this.#size -= backlog.items.length - backlog.head;
      tenant.delete(run.runId);
      if (tenant.size === 0) level.delete(run.submitted.tenantId);
    }
  }

  #level(priority: number): Rotation<Rotation<Backlog>> {
    const known = this.#levels.get(priority);
    if (known !== undefined) return known;
    const added: Rotation<Rotation<Backlog>> = new Map();
    const sorted = [...this.#levels, [priority, added] as const].toSorted(([a], [b]) => b - a);
    this.#levels.clear();
    for (const [key, level] of sorted) this.#levels.set(key, level);
    return added;
  }

  #shift(tenant: Rotation<Backlog>, backlog: Backlog): Due {
    const owed = backlog.items[backlog.head++];
    if (owed === undefined) throw new Error("internal: an empty backlog stayed in the rotation");
    this.#size--;
    tenant.delete(backlog.run.runId);
    if (backlog.head < backlog.items.length) tenant.set(backlog.run.runId, backlog);
    if (backlog.head >= 1_024) {
      backlog.items.splice(0, backlog.head);
      backlog.head = 0;
    }
    return owed;
  }
}

function firstEligible(
  tenant: Rotation<Backlog>,
  isEligible: (run: RunFold) => boolean,
): Backlog | undefined {
  for (const backlog of tenant.values()) if (isEligible(backlog.run)) return backlog;
  return undefined;
}

function getOrAdd<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const added = make();
  map.set(key, added);
  return added;
}
