/** Leases in one process. */
import type { Clock } from "../ports/clock.ts";
import type { Lease, LeaseBoard, Leases } from "../ports/lease.ts";

export class MemoryLeases implements Leases {
  readonly termMs: number;
  readonly #clock: Clock;
  readonly #held = new Map<string, { readonly owner: string; readonly until: number }>();
  readonly #watchers = new Set<() => void>();

  constructor(clock: Clock, termMs: number) {
    this.#clock = clock;
    this.termMs = termMs;
  }

  /** Looked up and taken in one turn: nobody may come in between. */
  named(name: string): Lease {
    return {
      termMs: this.termMs,
      acquire: async (owner) => [undefined, owner].includes(this.#holder(name)) && this.#hold(name, owner),
      renew: async (owner) => this.#holder(name) === owner && this.#hold(name, owner),
      release: async (owner) => {
        if (this.#holder(name) !== owner) return;
        this.#held.delete(name);
        this.#tell();
      },
      holder: async () => this.#holder(name),
    };
  }

  async watch(onChange: () => void): Promise<LeaseBoard> {
    const watcher = (): void => onChange();
    this.#watchers.add(watcher);
    return {
      holders: () => {
        const owners = [...this.#held.keys()].map((name) => [name, this.#holder(name)] as const);
        return new Map(owners.flatMap(([name, owner]) => (owner === undefined ? [] : [[name, owner]])));
      },
      stop: async () => void this.#watchers.delete(watcher),
    };
  }

  #holder(name: string): string | undefined {
    const held = this.#held.get(name);
    return held !== undefined && this.#clock.monotonic() < held.until ? held.owner : undefined;
  }

  #hold(name: string, owner: string): true {
    const isNew = this.#holder(name) !== owner;
    this.#held.set(name, { owner, until: this.#clock.monotonic() + this.termMs });
    if (isNew) this.#tell();
    return true;
  }

  #tell(): void {
    for (const watcher of this.#watchers) {
      queueMicrotask(() => {
        if (this.#watchers.has(watcher)) watcher();
      });
    }
  }
}
