// One command: its processes, its pipes, and its end.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { AttemptFolder } from "./attempt-folder.mjs";
import { endGroup, isGone, signalGroup } from "./groups.mjs";
import { endMarked } from "./marked.mjs";
import { oomKills } from "./oom-kills.mjs";

/**
 * @import { ChildProcess } from "node:child_process"
 * @import { PrintStream } from "../../ports/task-executor.ts"
 * @import { Ended, Launch } from "../bash-spawner.ts"
 */

/** How long pipes may stay open, and nothing come out of them, after the group has ended: who holds them has left it. */
const PIPE_GRACE_MS = 200;
/** More than this is not of the group: pipes hold less. */
const MAX_AFTERWARDS = 1_024 * 1_024;
/** With so many bytes on their way nothing more is read until half of them have arrived; whoever prints has to wait. */
const MAX_UNDER_WAY = 256 * 1_024;

export class Command {
  /** Resolves when nothing of it is left. @type {Promise<Ended>} */
  ended;
  #launch;
  #print;
  #folder;
  #isStopped = false;
  #isOver = false;
  #underWay = 0;
  #printed = 0;
  /** @type {ChildProcess | undefined} */
  #child;
  /** Its pipes are: resolves with true. @type {Promise<boolean> | undefined} */
  #closed;

  /**
   * @param {Launch} launch
   * @param {(stream: PrintStream, bytes: Buffer, sent: () => void) => void} print `sent` is called when they have gone.
   */
  constructor(launch, print) {
    this.#launch = launch;
    this.#print = print;
    this.#folder = new AttemptFolder(launch);
    this.ended = this.#live();
  }

  get mark() {
    return this.#launch.mark;
  }

  /** All that it started ends: by SIGTERM, and what is left after the grace period by SIGKILL. */
  stop() {
    this.#isStopped = true;
    if (this.#child?.pid !== undefined) void endGroup(this.#child.pid, this.#launch.graceMs);
  }

  /** Its process group is killed, unless it has ended: its number may be another's by then. */
  kill() {
    if (!this.#isOver && this.#child?.pid !== undefined) signalGroup(this.#child.pid, "SIGKILL");
  }

  async tidy() {
    await this.#folder.remove();
  }

  async #live() {
    let isKept = false;
    try {
      const ended = await this.#run();
      isKept = ended.isKept === true;
      return ended;
    } finally {
      this.#isOver = true;
      if (!isKept) await this.tidy();
    }
  }

  /** @returns {Promise<Ended>} */
  async #run() {
    const killsBefore = oomKills();
    /** @type {{ exitCode?: number; signal?: string }} */
    let exit;
    try {
      this.#folder.make();
      exit = await this.#exit(this.#start());
    } catch (error) {
      return { failed: whyNot(/** @type {NodeJS.ErrnoException} */ (error), this.#launch) };
    }
    const pid = this.#child?.pid ?? 0;
    if (!(await isGone(pid, 0))) await endGroup(pid, this.#launch.graceMs);
    if (this.#isStopped) await endMarked([this.mark]);
    await this.#emptyPipes();
    const isOutOfMemory = oomKills() > killsBefore;
    return {
      ...exit,
      ...(isOutOfMemory ? { isOutOfMemory } : {}),
      ...this.#folder.readOutput(),
      ...(exit.exitCode === 0 && this.#folder.mayHandOver() ? { isKept: true } : {}),
    };
  }

  #start() {
    const { program, args, env, cwd, stdin, user } = this.#launch;
    const child = spawn(program, args, {
      ...user,
      env,
      cwd,
      detached: true,
      stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    this.#child = child;
    this.#closed = new Promise((resolve) => child.once("close", () => resolve(true)));
    // It need not read what it is given.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(stdin);
    for (const stream of /** @type {const} */ (["stdout", "stderr"])) {
      child[stream]?.on("data", (/** @type {Buffer} */ bytes) => this.#pass(stream, bytes));
    }
    return child;
  }

  /**
   * @param {ChildProcess} child
   * @returns {Promise<{ exitCode?: number; signal?: string }>}
   */
  #exit(child) {
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(signal === null ? { exitCode: code ?? 0 } : { signal }));
    });
  }

  /**
   * @param {PrintStream} stream
   * @param {Buffer} bytes
   */
  #pass(stream, bytes) {
    this.#printed += bytes.length;
    this.#underWay += bytes.length;
    this.#print(stream, bytes, () => {
      this.#underWay -= bytes.length;
      if (this.#underWay > MAX_UNDER_WAY / 2) return;
      this.#child?.stdout?.resume();
      this.#child?.stderr?.resume();
    });
    if (this.#underWay <= MAX_UNDER_WAY) return;
    this.#child?.stdout?.pause();
    this.#child?.stderr?.pause();
  }

  /** Until they are closed, or what comes out of them is of somebody else. */
  async #emptyPipes() {
    const enough = this.#printed + MAX_AFTERWARDS;
    for (let before = -1; this.#printed > before || this.#underWay > 0;) {
      before = this.#printed;
      if ((await this.#closesWithin(PIPE_GRACE_MS)) || this.#printed > enough) break;
    }
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
  }

  /** @param {number} ms */
  async #closesWithin(ms) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const tooLong = new Promise((resolve) => {
      timer = setTimeout(() => resolve(false), ms);
    });
    const isClosed = await Promise.race([this.#closed, tooLong]);
    clearTimeout(timer);
    return isClosed;
  }
}

/**
 * Why it could not be started.
 *
 * @param {NodeJS.ErrnoException} error
 * @param {Launch} launch
 */
function whyNot({ code, message }, { program, cwd }) {
  if (!existsSync(cwd)) return `the working directory ${cwd} does not exist`;
  switch (code) {
    case "ENOENT":
      return `'${program}' is not there, or not on the PATH`;
    case "EACCES":
      return `'${program}' may not be run, or ${cwd} not be entered: permission denied`;
    case "E2BIG":
      return "its arguments and its environment are longer than the system allows; hand large values over in a file";
    case "EAGAIN":
      return "its user may have no more processes";
    default:
      return message;
  }
}
