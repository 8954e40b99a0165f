/**
 * The user's cache folder: `<folder>/<version>/nats-server`.
 *
 * One process fetches at a time (a lock that goes stale when its holder is killed). A program gets its place by one
 * rename after it has told its version, so nobody ever finds half of one; whoever works without the lock, because
 * it went stale while he was asleep, does no harm.
 */
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { lock } from "proper-lockfile";
import { inspectBinary, isAtLeast, newestOf, OLDEST, type ServerBinary } from "./binary.ts";

const STALE_MS = 10_000;
const WAIT_MS = 300_000;
const LOOK_EVERY_MS = 250;

export class ServerCache {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The newest that runs. */
  async newest(): Promise<ServerBinary | undefined> {
    const names = await readdir(this.folder).catch(() => []);
    const files = names.filter(isVersion).map((version) => join(this.folder, version, "nats-server"));
    const found = await Promise.all(files.map((file) => inspectBinary(file).catch(() => undefined)));
    return newestOf(found.filter((each) => each !== undefined));
  }

  /** Does the work while no other process does; `onWait` is called once when another one is at it. */
  async exclusively<T>(onWait: () => void, work: () => Promise<T>): Promise<T> {
    await mkdir(this.folder, { recursive: true });
    const release = await this.#lock(onWait);
    try {
      await this.#removeLeftovers();
      return await work();
    } finally {
      // A lock that went stale is another's by now.
      await release().catch(() => undefined);
    }
  }

  async #lock(onWait: () => void): Promise<() => Promise<void>> {
    const options = {
      stale: STALE_MS,
      update: STALE_MS / 5,
      // The default throws out of a timer.
      onCompromised: () => undefined,
    };
    try {
      return await lock(this.folder, options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
    }
    onWait();
    const retries = {
      retries: WAIT_MS / LOOK_EVERY_MS,
      factor: 1,
      minTimeout: LOOK_EVERY_MS,
      maxTimeout: LOOK_EVERY_MS,
    };
    return lock(this.folder, { ...options, retries }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ELOCKED") throw error;
      throw new Error(`another process has been fetching for ${WAIT_MS / 60_000} minutes`);
    });
  }

  /** What killed processes left. */
  async #removeLeftovers(): Promise<void> {
    const names = await readdir(this.folder);
    await Promise.all(
      names
        .filter((name) => name.startsWith("."))
        .map((name) => rm(join(this.folder, name), { recursive: true, force: true })),
    );
  }

  /** A folder to fetch into, gone after the work. */
  async fetchInto<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(this.folder, ".fetching-"));
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Moves a program to its place; rejects when it does not run here or is below 2.9. */
  async keep(file: string): Promise<ServerBinary> {
    await chmod(file, 0o755);
    const fetched = await inspectBinary(file);
    if (!isAtLeast(fetched, OLDEST)) {
      throw new Error(`it is version ${fetched.version}; 2.9 or newer is needed`);
    }
    const place = join(this.folder, fetched.version);
    const kept = { path: join(place, "nats-server"), version: fetched.version };
    const staged = await mkdtemp(join(this.folder, ".staged-"));
    await chmod(staged, 0o755);
    await rename(file, join(staged, "nats-server"));
    // One that is there already is used as it is when it runs, and is broken otherwise.
    if (!(await runs(kept.path))) await rm(place, { recursive: true, force: true });
    await rename(staged, place).catch(async (error: NodeJS.ErrnoException) => {
      await rm(staged, { recursive: true, force: true });
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    return kept;
  }
}

function isVersion(name: string): boolean {
  return /^\d+\.\d+\.\d+$/.test(name);
}

function runs(path: string): Promise<boolean> {
  return inspectBinary(path).then(
    () => true,
    () => false,
  );
}
