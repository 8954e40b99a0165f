/**
 * One `dag up` at a time has a data folder.
 *
 * The lock is a file that names its process, so that a process that is gone, however it went, is no obstacle, and one
 * that is only held up (Ctrl-Z) still has it. It also names the server, which may outlive its `dag up` by a moment: two
 * servers on one store would spoil it.
 */
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lock as guard } from "proper-lockfile";
import { CannotStart } from "./cannot-start.ts";
import { placeOfPids, startOf } from "./process-identity.ts";

interface ProcessMark {
  readonly pid: number;
  readonly started: string;
}

interface Holder extends ProcessMark {
  readonly place: string;
  readonly server?: ProcessMark;
}

/** Whose process we cannot see, because it is on another machine or in another container, shows itself so often. */
const TOUCH_MS = 1_000;
/** So long we watch for such a sign. */
const WATCH_MS = 4_000;
/** What is left of a killed `dag up` ends by itself; longer than this it has nobody to end it. */
const LEFT_BEHIND_MS = 20_000;
const POLL_MS = 100;

export class DataLock {
  readonly #file: string;
  readonly #holder: Holder;
  readonly #touching: NodeJS.Timeout;

  private constructor(file: string, holder: Holder) {
    this.#file = file;
    this.#holder = holder;
    this.#touching = setInterval(() => {
      const now = new Date();
      void utimes(file, now, now).catch(() => undefined);
    }, TOUCH_MS);
    this.#touching.unref();
  }

  /** Rejects with `CannotStart` while another process has it. `onWait` is told what is waited for. */
  static async take(folder: string, onWait: (what: string) => void): Promise<DataLock> {
    const file = join(folder, "lock");
    // Only for the moment between looking and taking.
    const release = await guard(folder, {
      lockfilePath: join(folder, "lock.guard"),
      stale: 10_000,
      retries: { retries: 600, factor: 1, minTimeout: POLL_MS, maxTimeout: POLL_MS },
      onCompromised: () => undefined,
    });
    try {
      const former = await read(file);
      if (former !== undefined && (await isHeld(former, file))) throw inUse(folder, former.pid);
      if (former?.server !== undefined) await endOf(former.server, onWait);
      const started = (await startOf(process.pid)) ?? "";
      const holder = { pid: process.pid, started, place: await placeOfPids() };
      await write(file, holder);
      return new DataLock(file, holder);
    } finally {
      await release().catch(() => undefined);
    }
  }

  /** The server that works on the data from now on. */
  async serverIs(pid: number): Promise<void> {
    await write(this.#file, { ...this.#holder, server: { pid, started: (await startOf(pid)) ?? "" } });
  }

  async release(): Promise<void> {
    clearInterval(this.#touching);
    await rm(this.#file, { force: true });
  }
}

async function read(file: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(file, "utf8")) as Holder | null;
    return typeof holder?.pid === "number" ? holder : undefined;
  } catch (error) {
    // What cannot be read was not written by us to its end.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** In one step: nobody ever finds half a lock. */
async function write(file: string, holder: Holder): Promise<void> {
  const whole = `${file}.new`;
  await writeFile(whole, `${JSON.stringify(holder)}\n`);
  await rename(whole, file);
}

async function isHeld({ place, ...mark }: Holder, file: string): Promise<boolean> {
  return place === (await placeOfPids()) ? runs(mark) : isTouched(file);
}

async function runs({ pid, started }: ProcessMark): Promise<boolean> {
  const found = await startOf(pid);
  return found !== undefined && (found === started || found === "");
}

async function isTouched(file: string): Promise<boolean> {
  const before = await touchedAt(file);
  return becomesTrue(async () => (await touchedAt(file)) !== before, WATCH_MS);
}

async function touchedAt(file: string): Promise<number> {
  return (await stat(file)).mtimeMs;
}

async function endOf(server: ProcessMark, onWait: (what: string) => void): Promise<void> {
  if (!(await runs(server))) return;
  onWait(`waiting for the end of the nats-server of an earlier dag up (pid ${server.pid})`);
  const isGone = async (): Promise<boolean> => !(await runs(server));
  if (await becomesTrue(isGone, LEFT_BEHIND_MS)) return;
  process.kill(server.pid, "SIGKILL");
  if (await becomesTrue(isGone, LEFT_BEHIND_MS)) return;
  throw new CannotStart(
    `the nats-server of an earlier dag up does not end: end it (pid ${server.pid}) and try again`,
  );
}

async function becomesTrue(look: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    if (await look()) return true;
    if (performance.now() > giveUpAt) return false;
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}

function inUse(folder: string, pid: number): CannotStart {
  return new CannotStart(
    `the data folder '${folder}' is in use by another dag up (pid ${pid}): stop that one, or give this one a folder of its own by --data`,
  );
}
