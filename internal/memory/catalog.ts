/** The catalog in one process. */
import type { Catalog, DeployedVersion, NewVersion } from "../ports/catalog.ts";
import type { Clock } from "../ports/clock.ts";

export class MemoryCatalog implements Catalog {
  readonly #clock: Clock;
  readonly #versions = new Map<string, DeployedVersion[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async add(added: NewVersion): Promise<DeployedVersion | undefined> {
    const versions = this.#versions.get(added.name) ?? [];
    if (versions.at(-1)?.source.name === added.source.name) return undefined;
    const version = { ...added, version: versions.length + 1, deployedAt: this.#clock.now() };
    this.#versions.set(added.name, [...versions, version]);
    return version;
  }

  async versions(name: string): Promise<DeployedVersion[]> {
    return [...(this.#versions.get(name) ?? [])];
  }

  async newest(): Promise<DeployedVersion[]> {
    const all = [...this.#versions.values()].flatMap((versions) => versions.at(-1) ?? []);
    return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}
