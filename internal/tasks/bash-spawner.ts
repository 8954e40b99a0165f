/**
 * The processes that start the commands of this one; see spawner/main.mjs.
 *
 * P1 First attempts share a few, each the one that runs the least. These are started when they are needed, keep nobody
 *    alive while nothing runs, and have others take their place when they have died.
 * P2 When one dies with several commands, it is not to be known who has killed it: they are given back, and counted as
 *    lost is what had one of its own. Every later attempt has one of its own, so each is judged in the end.
 * P3 One that gives no answer is killed: what it has started would never end. One that a script has stopped is woken when
 *    there is something to do that cannot wait: an attempt is to end, or this process does.
 */
import { fileURLToPath } from "node:url";
import { execaNode, type ResultPromise } from "execa";
import type { PrintStream } from "../ports/task-executor.ts";
import { OUR_PROCESS, SPAWNER_OF } from "./process-mark.ts";
import { removeFiles } from "./spawner/attempt-folder.mjs";
import { endMarked } from "./spawner/marked.mjs";

/** A command, as it goes to the spawner. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** All of it; the mark among it. */
  readonly env: Readonly<Record<string, string>>;
  /** `NAME=value` of a variable that no other attempt has. */
  readonly mark: string;
  /** Path of a folder that is not there yet: it is made for the command, and removed after it. */
  readonly folder: string;
  /** What is written before, by path, and removed after it. */
  readonly files: Readonly<Record<string, string>>;
  /** Path of the file that it may write, which is read in the end, and removed. */
  readonly outputFile: string;
  /** More bytes than this are not read. */
  readonly outputLimit: number;
  /** Path of the file in which it may tell of artifacts. */
  readonly artifactsFile: string;
  /** It hands over artifacts also when it tells of none. */
  readonly hasArtifacts: boolean;
  readonly cwd: string;
  /** Default: nothing, it has ended at once. */
  readonly stdin?: string;
  /** Default: ours. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** How long it may take to end by itself, in milliseconds, before it is killed. */
  readonly graceMs: number;
}

/** How a command ended, with all that it started. Either it `failed` to start, or has an exit code or a signal, or its spawner died. */
export interface Ended {
  readonly exitCode?: number;
  readonly signal?: string;
  /** Why it could not be started. */
  readonly failed?: string;
  /** How its spawner died, which was its own. */
  readonly lost?: string;
  /** How its spawner died, which others had too. */
  readonly released?: string;
  /** Meanwhile the kernel has ended a process of our control group for want of memory. */
  readonly isOutOfMemory?: boolean;
  /** What its output file holds, where there is one. */
  readonly written?: string;
  /** Why its output file cannot be read. */
  readonly unreadable?: string;
  /** It has succeeded, and may hand over artifacts: its folder and its files are there until they are let go. */
  readonly isKept?: true;
}

export type Asked =
  | { readonly id: number; readonly launch: Launch }
  | { readonly id: number; readonly stop: true }
  | { readonly id: number; readonly letGo: true }
  | { readonly isThere: true };

export type Told =
  | { readonly id: number; readonly stream: PrintStream; readonly bytes: Buffer }
  | { readonly id: number; readonly ended: Ended }
  | { readonly id: number; readonly isRemoved: true }
  | { readonly crash: string }
  | { readonly isHere: true };

export interface RunningCommand {
  /** Resolves when nothing of it is left; never rejects. */
  readonly ended: Promise<Ended>;
  /** All that it started ends: SIGTERM, and after the grace period SIGKILL. */
  stop(): void;
  /** What was kept of it is of no use any more. */
  letGo(): void;
}

const MAIN = fileURLToPath(new URL("spawner/main.mjs", import.meta.url));

const OPTIONS = {
  serialization: "advanced",
  stdin: "ignore",
  stdout: "ignore",
  stderr: "ignore",
  buffer: false,
  reject: false,
  detached: true,
  cleanup: false,
  nodeOptions: [],
  cwd: "/",
  extendEnv: false,
} as const;

/** One alone cannot start more than one core can; with more, those that run have less of the machine. */
const MAX_SHARED = 2;

/** How often it is asked whether it is there, while something runs, and how often it may owe the answer. */
const ASK_MS = 2_000;
const MAX_UNANSWERED = 5;

interface Running {
  readonly launch: Launch;
  readonly print: (stream: PrintStream, bytes: Buffer) => void;
  readonly end: (ended: Ended) => void;
}

class Spawner {
  readonly #process: ResultPromise<typeof OPTIONS>;
  readonly #running = new Map<number, Running>();
  /** What has ended, and has left something that is not removed yet. */
  readonly #kept = new Map<number, { readonly launch: Launch; isLetGo: boolean }>();
  readonly #isShared: boolean;
  #lastId = 0;
  #unanswered = 0;
  #asking: NodeJS.Timeout | undefined;
  #crash = "";

  /** `onOver` is called when its process has ended, and before anything else follows from it. */
  constructor({ isShared, onOver }: { readonly isShared: boolean; readonly onOver?: () => void }) {
    this.#isShared = isShared;
    const env = { PATH: process.env.PATH ?? "", [SPAWNER_OF]: OUR_PROCESS };
    this.#process = execaNode(MAIN, [], { ...OPTIONS, env });
    alive.add(this);
    this.#letGo();
    this.#process.on("message", (told: Told) => this.#hear(told));
    void this.#follow(onOver);
  }

  async #follow(onOver: () => void = () => undefined): Promise<void> {
    const { signal, exitCode, shortMessage } = await this.#process;
    onOver();
    alive.delete(this);
    clearInterval(this.#asking);
    for (const { launch, isLetGo } of this.#kept.values()) if (isLetGo) void removeFiles(launch);
    const how = signal === undefined ? `exit code ${exitCode ?? shortMessage}` : `ended by ${signal}`;
    const silence = this.#unanswered > MAX_UNANSWERED ? " since it gave no answer" : "";
    await this.#clearUp(`the process that started it died (${how}${silence}${this.#crash})`);
  }

  /** How many commands it runs. */
  get load(): number {
    return this.#running.size;
  }

  run(launch: Launch, print: Running["print"]): RunningCommand {
    const id = ++this.#lastId;
    if (this.#running.size === 0) this.#hold();
    const ended = new Promise<Ended>((end) => this.#running.set(id, { launch, print, end }));
    this.#ask({ id, launch });
    const stop = (): void => {
      this.wake();
      this.#ask({ id, stop: true });
    };
    return { ended, stop, letGo: () => this.#letGoOf(id) };
  }

  /** It goes on where it was stopped; nothing happens to one that runs. */
  wake(): void {
    this.#process.kill("SIGCONT");
  }

  /** It is removed there, or here where that one is dead: it may have died without having heard. */
  #letGoOf(id: number): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    kept.isLetGo = true;
    if (!alive.has(this)) void removeFiles(kept.launch);
    else if (this.#isShared) this.#ask({ id, letGo: true });
    else if (this.#process.connected) this.#process.disconnect?.();
  }

  /** When it is dead its end tells more. */
  #ask(asked: Asked): void {
    if (this.#process.connected) this.#process.send?.(asked, () => undefined);
  }

  #hear(told: Told): void {
    this.#unanswered = 0;
    if ("crash" in told) this.#crash = `: ${told.crash}`;
    else if ("ended" in told) this.#end(told.id, told.ended);
    else if ("isRemoved" in told) this.#kept.delete(told.id);
    else if ("stream" in told) this.#running.get(told.id)?.print(told.stream, told.bytes);
  }

  #end(id: number, ended: Ended): void {
    const running = this.#running.get(id);
    this.#running.delete(id);
    if (running !== undefined && ended.isKept === true)
      this.#kept.set(id, { launch: running.launch, isLetGo: false });
    if (this.#running.size === 0) this.#letGo();
    if (!this.#isShared && ended.isKept !== true && this.#process.connected) this.#process.disconnect?.();
    running?.end(ended);
  }

  /** Each question counts by itself: when this process has stood still, the answers are there and only unread. */
  #askWhetherItIsThere(): void {
    if (++this.#unanswered > MAX_UNANSWERED) this.#process.kill("SIGKILL");
    else this.#ask({ isThere: true });
  }

  /** This process lives as long as it does. */
  #hold(): void {
    this.#process.ref();
    this.#process.channel?.ref();
    this.#unanswered = 0;
    this.#asking = setInterval(() => this.#askWhetherItIsThere(), ASK_MS);
  }

  #letGo(): void {
    clearInterval(this.#asking);
    this.#process.unref();
    this.#process.channel?.unref();
  }

  /** Nobody else ends what a spawner has left that died. */
  async #clearUp(how: string): Promise<void> {
    const left = [...this.#running];
    await endMarked(left.map(([, { launch }]) => launch.mark));
    const ended = left.length > 1 && this.#isShared ? { released: how } : { lost: how };
    for (const [id, { launch }] of left) {
      await removeFiles(launch);
      this.#end(id, ended);
    }
  }
}

const alive = new Set<Spawner>();
// Then the channel to them is closed, which they have to see.
process.once("exit", () => {
  for (const spawner of alive) spawner.wake();
});

/** Of this process; a place is empty before its first, and while its last one is dead. */
const shared: (Spawner | undefined)[] = Array.from({ length: MAX_SHARED });

/** `print` gets what the command prints, as it comes. No other command takes along one that runs apart. */
export function startCommand(
  launch: Launch,
  print: Running["print"],
  { isApart }: { readonly isApart: boolean },
): RunningCommand {
  const spawner = isApart ? new Spawner({ isShared: false }) : leastBusy();
  return spawner.run(launch, print);
}

function leastBusy(): Spawner {
  const busy = shared.map((spawner) => spawner?.load ?? 0);
  const place = busy.indexOf(Math.min(...busy));
  const onOver = (): void => {
    shared[place] = undefined;
  };
  return (shared[place] ??= new Spawner({ isShared: true, onOver }));
}
