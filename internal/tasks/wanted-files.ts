/** Which files of a command's folder are handed over, by its manifest and by the patterns of its task. */
import { advance, begin, type Glob, isMeant, parseGlob, type Progress } from "../core/glob.ts";
import type { NewArtifact, Whereabouts } from "../core/new-artifact.ts";
import { BadArtifacts, type ManifestEntry } from "./artifact-manifest.ts";

/** How far the way to a folder has got in each of the patterns. */
export type Way = readonly Progress[];

export interface Found {
  /** On this host. */
  readonly path: string;
  /** The first pattern that means it, where it is not the manifest that does. */
  readonly pattern: number | undefined;
}

export class WantedFiles {
  readonly #globs: readonly Glob[];
  readonly #entries: readonly ManifestEntry[];
  readonly #named: ReadonlySet<string>;
  readonly #limit: number;
  readonly #found = new Map<string, Found>();

  /** More than `limit` cannot be handed over. Throws `BadArtifacts` for what is no pattern. */
  constructor(patterns: readonly string[], entries: readonly ManifestEntry[], limit: number) {
    this.#globs = patterns.map((pattern) => {
      const glob = parseGlob(pattern);
      if (typeof glob === "string") throw new BadArtifacts(`outputs: '${pattern}' ${glob}`);
      return glob;
    });
    this.#entries = entries;
    this.#named = new Set(entries.flatMap(({ path }) => path ?? []));
    this.#limit = limit;
  }

  /** Paths that are wanted whatever is there. */
  get named(): ReadonlySet<string> {
    return new Set([...this.#named, ...this.#globs.flatMap(({ path }) => path ?? [])]);
  }
  /** Whether there are more, which have to be looked for. */
  get hasPatterns(): boolean {
    return this.#globs.some(({ path }) => path === undefined);
  }

  begin(): Way {
    return this.#globs.map(begin);
  }
  advance(way: Way, name: string): Way {
    return this.#globs.map((glob, i) => advance(glob, way[i] ?? [], name));
  }
  /** Something below a folder may be wanted. */
  leadsOn(way: Way): boolean {
    return way.some((progress) => progress.length > 0);
  }
  /** The way to a file. */
  isWanted(path: string, way: Way): boolean {
    return this.#named.has(path) || this.#patternOf(way) !== undefined;
  }

  /** A wanted file is there, at `at` on this host. */
  add(path: string, way: Way, at: string): void {
    this.#found.set(path, { path: at, pattern: this.#patternOf(way) });
    if (this.#found.size > this.#limit)
      throw new BadArtifacts(`it hands over more than ${this.#limit} files, see --artifact-count`);
  }

  /** What is handed over: as the manifest has it, then by one pattern after the other, and by path. Throws `BadArtifacts` where one is missing. */
  list(within?: Whereabouts): NewArtifact[] {
    const where = within === undefined ? {} : { within };
    const told = this.#entries.map(({ path, artifact }): NewArtifact => {
      if (path === undefined) return artifact;
      return { name: path, ...artifact, path: this.#at(path), ...where };
    });
    const matched = [...this.#found].filter(
      ([path, { pattern }]) => pattern !== undefined && !this.#named.has(path),
    );
    matched.sort(([a, { pattern: i = 0 }], [b, { pattern: j = 0 }]) => i - j || (a < b ? -1 : 1));
    for (const { path } of this.#globs) if (path !== undefined) this.#at(path);
    return [...told, ...matched.map(([name, { path }]) => ({ name, path, ...where }))];
  }

  #at(path: string): string {
    const found = this.#found.get(path);
    if (found === undefined) throw new BadArtifacts(`it hands over '${path}', and there is no such file`);
    return found.path;
  }

  #patternOf(way: Way): number | undefined {
    const found = this.#globs.findIndex((glob, i) => isMeant(glob, way[i] ?? []));
    return found === -1 ? undefined : found;
  }
}
