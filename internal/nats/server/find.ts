/**
 * Finds a nats-server, or fetches one into the user's cache folder.
 *
 * Looked for in this order: the setting; PATH; the cache; the official release; the distribution's package; an
 * older one on PATH. One process fetches at a time, and what it fetched is there for all.
 */
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import envPaths from "env-paths";
import { lock } from "proper-lockfile";
import { compareVersions, inspectBinary, isAtLeast, type ServerBinary } from "./binary.ts";
import { fetchPackage } from "./debian.ts";
import { fetchRelease, OFFICIAL, type Release } from "./release.ts";

const OLDEST = "2.9.0";
const CURRENT = "2.10.0";

export interface FindOptions {
  /** Path that the user has set; nothing else is looked for then. */
  readonly setting?: string;
  /** Folders to look in, as in the variable PATH. */
  readonly path: string;
  /** Default: the user's cache folder. */
  readonly cacheFolder?: string;
  readonly release?: Release;
  /** Tells what is being done; may be called often. */
  onProgress(progress: FindProgress): void;
}

export interface FindProgress {
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
  const onPath = await newestOnPath(options.path);
  if (onPath !== undefined && isAtLeast(onPath, CURRENT)) return onPath;
  const cache = join(options.cacheFolder ?? envPaths("jetdag", { suffix: "" }).cache, "nats-server");
  const cached = await newestInCache(cache);
  if (cached !== undefined) return cached;
  const tried: string[] = [];
  const fetched = await fetchLocked(cache, options, tried);
  if (fetched !== undefined) return fetched;
  if (onPath !== undefined && isAtLeast(onPath, OLDEST)) {
    const warning = `nats-server ${onPath.version} on PATH is old; it works, 2.10 or newer is better (${tried.join("; ")})`;
    return { ...onPath, warning };
  }
  throw new ServerNotFound(notFound(onPath, tried));
}

async function useSetting(path: string): Promise<FoundServer> {
  const found = await inspectBinary(path).catch((error: Error) => {
    throw new ServerNotFound(`the nats-server that is set, '${path}', cannot be used: ${error.message}`);
  });
  if (!isAtLeast(found, OLDEST)) {
    throw new ServerNotFound(
      `the nats-server that is set, '${path}', is version ${found.version}; 2.9 or newer is needed`,
    );
  }
  if (isAtLeast(found, CURRENT)) return found;
  return { ...found, warning: `nats-server ${found.version} is old; it works, 2.10 or newer is better` };
}

function notFound(onPath: ServerBinary | undefined, tried: readonly string[]): string {
  const path =
    onPath === undefined
      ? "none on PATH"
      : `version ${onPath.version} on PATH is too old (2.9 or newer is needed)`;
  const lines = [path, ...tried].map((each) => `  - ${each}`);
  return [
    "no nats-server was found, and none could be fetched:",
    ...lines,
    "Ways to get one:",
    "  - install it: brew install nats-server, or apt-get install nats-server, or https://nats.io/download",
    "  - name one that you have: --nats-server PATH or JETDAG_NATS_SERVER=PATH",
  ].join("\n");
}

async function newestOnPath(path: string): Promise<ServerBinary | undefined> {
  const files = path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "nats-server"));
  return newestOf(files);
}

async function newestInCache(cache: string): Promise<ServerBinary | undefined> {
  const versions = await readdir(cache).catch(() => []);
  const newest = await newestOf(versions.map((version) => join(cache, version, "nats-server")));
  return newest !== undefined && isAtLeast(newest, CURRENT) ? newest : undefined;
}

async function newestOf(files: readonly string[]): Promise<ServerBinary | undefined> {
  const found = await Promise.all(
    files.map(async (file) => {
      const isThere = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      return isThere ? inspectBinary(file).catch(() => undefined) : undefined;
    }),
  );
  return found
    .filter((each) => each !== undefined)
    .toSorted((a, b) => compareVersions(b.version, a.version))[0];
}

/** Whoever comes second waits, and finds it in the cache. */
async function fetchLocked(
  cache: string,
  options: FindOptions,
  tried: string[],
): Promise<ServerBinary | undefined> {
  await mkdir(cache, { recursive: true });
  const release = await lock(cache, {
    stale: 20_000,
    update: 5_000,
    retries: { retries: 600, factor: 1, minTimeout: 500, maxTimeout: 500 },
  });
  try {
    return (await newestInCache(cache)) ?? (await fetchAny(cache, options, tried));
  } finally {
    await release();
  }
}

async function fetchAny(
  cache: string,
  options: FindOptions,
  tried: string[],
): Promise<ServerBinary | undefined> {
  const { release = OFFICIAL, onProgress } = options;
  const sources: [name: string, get: (folder: string) => Promise<string>][] = [
    [
      `official release ${release.version}`,
      (folder) =>
        fetchRelease(release, folder, (bytes, total) =>
          onProgress({
            what: `downloading nats-server ${release.version}`,
            bytes,
            ...(total === undefined ? {} : { total }),
          }),
        ),
    ],
    [
      "distribution package",
      (folder) => fetchPackage(folder, (step) => onProgress({ what: `fetching nats-server: ${step}` })),
    ],
  ];
  for (const [name, get] of sources) {
    onProgress({ what: `looking for nats-server: ${name}` });
    const folder = await mkdtemp(join(cache, ".fetching-"));
    try {
      return await keep(await get(folder), cache);
    } catch (error) {
      tried.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return undefined;
}

/** In one step, so that nobody ever finds half of it. */
async function keep(file: string, cache: string): Promise<ServerBinary> {
  await chmod(file, 0o755);
  const { version } = await inspectBinary(file);
  if (compareVersions(version, CURRENT) < 0) throw new Error(`it is version ${version}, which is too old`);
  const staged = await mkdtemp(join(cache, ".staged-"));
  await rename(file, join(staged, "nats-server"));
  await chmod(staged, 0o755);
  await rename(staged, join(cache, version)).catch(async (error: NodeJS.ErrnoException) => {
    await rm(staged, { recursive: true, force: true });
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
  return inspectBinary(join(cache, version, "nats-server"));
}
