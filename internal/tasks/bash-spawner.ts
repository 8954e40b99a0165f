/**
 * The process that starts the commands of this one; see spawner/main.mjs. It is started for the first command, keeps
 * nobody alive while none runs, and has another one take its place when it was killed.
 */
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { execaNode, type ResultPromise } from "execa";
import type { PrintStream } from "../ports/task-executor.ts";
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
  /** How its spawner died. */
  readonly lost?: string;
  /** Meanwhile the kernel has ended a process of our control group for want of memory. */
  readonly isOutOfMemory?: boolean;
  /** What its output file holds, where there is one. */
  readonly written?: string;
  /** Why its output file cannot be read. */
  readonly unreadable?: string;
}

export type Asked =
  { readonly id: number; readonly launch: Launch } | { readonly id: number; readonly stop: true };

export type Told =
  | { readonly id: number; readonly stream: PrintStream; readonly bytes: Buffer }
  | { readonly id: number; readonly ended: Ended }
  | { readonly crash: string };

export interface RunningCommand {
  /** Resolves when nothing of it is left; never rejects. */
  readonly ended: Promise<Ended>;
  /** All that it started ends: SIGTERM, and after the grace period SIGKILL. */
  stop(): void;
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

type SpawnerProcess = ResultPromise<typeof OPTIONS>;

interface Running {
  readonly launch: Launch;
  readonly spawner: SpawnerProcess;
  readonly print: (stream: PrintStream, bytes: Buffer) => void;
  readonly end: (ended: Ended) => void;
}

class Spawner {
  #process: SpawnerProcess | undefined;
  #lastId = 0;
  readonly #running = new Map<number, Running>();

  /** `print` gets what the command prints, as it comes. */
  run(launch: Launch, print: Running["print"]): RunningCommand {
    const id = ++this.#lastId;
    const spawner = (this.#process ??= this.#start());
    const ended = new Promise<Ended>((end) => this.#running.set(id, { launch, spawner, print, end }));
    hold(spawner);
    ask(spawner, { id, launch });
    return { ended, stop: () => ask(spawner, { id, stop: true }) };
  }

  #start(): SpawnerProcess {
    const started = execaNode(MAIN, [], { ...OPTIONS, env: { PATH: process.env.PATH ?? "" } });
    letGo(started);
    let crash = "";
    started.on("message", (told: Told) => {
      if ("crash" in told) crash = `: ${told.crash}`;
      else if ("ended" in told) this.#end(told.id, told.ended);
      else this.#running.get(told.id)?.print(told.stream, told.bytes);
    });
    void started.then(({ signal, exitCode, shortMessage }) => {
      if (this.#process === started) this.#process = undefined;
      const how = signal === undefined ? `exit code ${exitCode ?? shortMessage}` : `ended by ${signal}`;
      void this.#clearUp(started, `the process that started it died (${how}${crash})`);
    });
    return started;
  }

  #end(id: number, ended: Ended): void {
    const running = this.#running.get(id);
    this.#running.delete(id);
    if (this.#running.size === 0 && this.#process !== undefined) letGo(this.#process);
    running?.end(ended);
  }

  /** Nobody else ends what a spawner has left that died. */
  async #clearUp(spawner: SpawnerProcess, lost: string): Promise<void> {
    const left = [...this.#running].filter(([, running]) => running.spawner === spawner);
    await endMarked(left.map(([, { launch }]) => launch.mark));
    for (const [id, { launch }] of left) {
      for (const path of [launch.folder, launch.outputFile, ...Object.keys(launch.files)])
        await rm(path, { recursive: true, force: true }).catch(() => undefined);
      this.#end(id, { lost });
    }
  }
}

/** When it is dead its end tells more. */
function ask(spawner: SpawnerProcess, asked: Asked): void {
  if (spawner.connected) spawner.send(asked, () => undefined);
}

/** This process lives as long as it does. */
function hold(spawner: SpawnerProcess): void {
  spawner.ref();
  spawner.channel?.ref();
}

function letGo(spawner: SpawnerProcess): void {
  spawner.unref();
  spawner.channel?.unref();
}

/** Of this process. */
export const spawner = new Spawner();
