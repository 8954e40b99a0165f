/**
 * Sees to it that no container outlives its attempt for long, and knows whether the engine is there.
 *
 * K1 Every container says by its labels whose it is: host and process namespace, process, worker, attempt; and until
 *    when its attempt can last.
 * K2 What could not be removed is tried again until it is gone.
 * K3 What a process in our sight left that is dead is removed; of processes out of our sight (another container or
 *    host that uses the same engine) what has outlived its attempt by far. Nothing of a live one is touched.
 */
import { randomBytes } from "node:crypto";
import type { ContainerInfo } from "dockerode";
import { OWN_LABELS } from "../core/docker-fields.ts";
import type { TaskCall } from "../ports/task-executor.ts";
import { type DockerEngine, engineError } from "./docker-engine.ts";
import { isDead, OUR_PROCESS, OUR_SIGHT } from "./process-mark.ts";

const ROUND_MS = 60_000;
/** While something is owed, or the engine is gone. */
const SOON_MS = 3_000;
/** Beyond the end of an attempt: clocks differ, and its own worker removes it first. */
const MARGIN_MS = 10 * 60_000;
const REMOVAL_MS = 10_000;

const OWN_NAMES = "jetdag.";
const MAX_PART = 64;
const LABELS = {
  sight: `${OWN_LABELS}sight`,
  process: `${OWN_LABELS}process`,
  until: `${OWN_LABELS}until`,
  keep: `${OWN_LABELS}keep`,
} as const;

export interface Lifetime {
  /** Name of the worker. */
  readonly worker: string;
  /** When the attempt has ended for sure, in milliseconds since 1970. */
  readonly until: number;
  /** It stays when it has ended. */
  readonly keep: boolean;
}

export function labelsOf(call: TaskCall, { worker, until, keep }: Lifetime): Record<string, string> {
  return {
    [`${OWN_LABELS}run`]: call.runId,
    [`${OWN_LABELS}dag`]: call.dagName,
    [`${OWN_LABELS}task`]: call.task,
    [`${OWN_LABELS}index`]: String(call.index),
    [`${OWN_LABELS}attempt`]: String(call.attempt),
    [`${OWN_LABELS}worker`]: worker,
    [LABELS.sight]: OUR_SIGHT,
    [LABELS.process]: OUR_PROCESS,
    [LABELS.until]: String(Math.round(until)),
    [LABELS.keep]: String(keep),
  };
}

/** `jetdag.RUN.TASK.INDEX.ATTEMPT.` and something random: the same attempt may come twice. */
export function containerName({ runId, task, index, attempt }: TaskCall): string {
  const parts = [runId.slice(0, MAX_PART), task.slice(0, MAX_PART), index, attempt];
  return `${OWN_NAMES}${parts.join(".")}.${randomBytes(6).toString("hex")}`;
}

export interface KeeperOptions {
  readonly engine: DockerEngine;
  /** The engine cannot be used, and why. */
  onGone(why: string): void;
  /** It can be used again, or something was found of the dead. */
  onNews(what: string): void;
}

export class DockerKeeper {
  readonly #engine: DockerEngine;
  readonly #onGone: (why: string) => void;
  readonly #onNews: (what: string) => void;
  readonly #owed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isLooking = false;
  #why: string | undefined;

  constructor({ engine, onGone, onNews }: KeeperOptions) {
    this.#engine = engine;
    this.#onGone = onGone;
    this.#onNews = onNews;
  }

  /** Why the engine cannot be used now; nothing when it can. */
  get why(): string | undefined {
    return this.#why;
  }

  /** Resolves when it is known whether the engine is there; looks on from then, and tidies up. */
  async start(): Promise<void> {
    await this.#isThere();
    void this.#round();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Resolves when it is gone, or when it is known that it has to be tried again. */
  async remove(name: string): Promise<void> {
    try {
      await this.#removeNow(name);
      this.#owed.delete(name);
    } catch {
      this.#owed.add(name);
      this.#after(SOON_MS);
    }
  }

  async #removeNow(name: string): Promise<void> {
    const giveUpAt = performance.now() + REMOVAL_MS;
    for (;;) {
      try {
        await this.#engine.remove(name);
        return;
      } catch (error) {
        const { status } = engineError(error);
        if (status === 404) return;
        // Somebody else removes it right now.
        if (status !== 409 || performance.now() > giveUpAt) throw error;
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
  }

  async #round(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    if (await this.#isThere()) await this.#tidy().catch((error: unknown) => this.#gone(error));
    this.#isLooking = false;
    this.#after(this.#why === undefined && this.#owed.size === 0 ? ROUND_MS : SOON_MS);
  }

  async #isThere(): Promise<boolean> {
    try {
      await this.#engine.ping();
    } catch (error) {
      this.#gone(error);
      return false;
    }
    if (this.#why !== undefined) this.#onNews("the Docker engine is there again");
    this.#why = undefined;
    return true;
  }

  #gone(error: unknown): void {
    const { message } = engineError(error);
    if (this.#why !== message) this.#onGone(message);
    this.#why = message;
  }

  async #tidy(): Promise<void> {
    for (const container of await this.#engine.list(LABELS.process)) await this.#judge(container);
    for (const name of this.#owed) await this.remove(name);
  }

  #after(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#round(), ms).unref();
  }

  async #judge({ Id, Names, Labels, State }: ContainerInfo): Promise<void> {
    const name = Names.map((each) => each.slice(1)).find((each) => each.startsWith(OWN_NAMES));
    // Labels go over to images, and from those to containers that are none of ours.
    if (name === undefined || !isLeft(Labels)) return;
    if (Labels[LABELS.keep] !== "true") {
      await this.remove(Id);
      this.#onNews(`removed the container ${name} of a dead worker`);
    } else if (State === "running") {
      await this.#engine.kill(Id, "SIGKILL");
      this.#onNews(`ended the container ${name} of a dead worker`);
    }
  }
}

function isLeft(labels: Readonly<Record<string, string | undefined>>): boolean {
  const { [LABELS.sight]: sight, [LABELS.process]: process = "", [LABELS.until]: until } = labels;
  if (sight === OUR_SIGHT) return isDead(process);
  return Date.now() > Number(until) + MARGIN_MS;
}
