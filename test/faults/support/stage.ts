/**
 * A cluster of real processes for one test: executors and workers before a server, with what was done to them written
 * down. When it is over, what really ran is held against the log.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { RunResult } from "../../../internal/core/result.ts";
import { TestFolder } from "../../support/folder.ts";
import { newNamespace } from "../../support/nats-cluster.ts";
import { commandOf } from "../../support/processes.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";
import { until } from "../../support/until.ts";
import { check, type Findings } from "./checker.ts";
import { type Execution, executionsOf, type Fault, type FaultKind, readTruth } from "./evidence.ts";
import { TOLERANCE } from "./figures.ts";
import { Member } from "./member.ts";
import { Witness } from "./witness.ts";

export interface StageOptions {
  /** Where the server is; a cluster of servers has no single port. */
  readonly server: { readonly url: string; readonly port?: number };
  readonly executors: number;
  readonly workers: number;
  /** Of each worker. Default 4. */
  readonly slots?: number;
  /** For executors and workers alike. */
  readonly flags?: readonly string[];
  readonly executorFlags?: readonly string[];
  readonly workerFlags?: readonly string[];
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Each process reaches the server through a network of its own; only where it has a single port. */
  readonly proxied?: boolean;
}

const TASKS = fileURLToPath(new URL("./tasks.mjs", import.meta.url));
const DEFAULT_SLOTS = 4;
/** Until all that was submitted has ended, once nothing is done to the cluster any more. */
const ENDED_MS = 90_000;
const LEFT_MS = 15_000;
/** What it takes to tell everybody of a cancel; also for it three times the bound is what fails. */
const CANCEL_MS = 2_000;
/** For what has no bound of its own: a loaded machine takes its time. */
const PATIENCE_MS = 60_000;

export class Stage implements AsyncDisposable {
  readonly witness: Witness;
  readonly faults: Fault[] = [];
  /** Those that live. */
  readonly executors: Member[] = [];
  readonly workers: Member[] = [];
  readonly #all: Member[] = [];
  readonly #options: StageOptions;
  readonly #folder: TestFolder;
  readonly #namespace: string;
  #named = 0;
  #isKept = false;

  private constructor(
    options: StageOptions,
    parts: { readonly folder: TestFolder; readonly namespace: string; readonly witness: Witness },
  ) {
    this.#options = options;
    this.#folder = parts.folder;
    this.#namespace = parts.namespace;
    this.witness = parts.witness;
  }

  static async open(options: StageOptions): Promise<Stage> {
    const folder = await TestFolder.make();
    const namespace = newNamespace();
    const stage = new Stage(options, {
      folder,
      namespace,
      witness: await Witness.open(options.server.url, namespace),
    });
    await folder.write("truth", "");
    try {
      await Promise.all([
        ...Array.from({ length: options.executors }, () => stage.startExecutor()),
        ...Array.from({ length: options.workers }, () => stage.startWorker()),
      ]);
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
    return stage;
  }

  get namespace(): string {
    return this.#namespace;
  }

  async startExecutor(...flags: string[]): Promise<Member> {
    return this.#start("executor", [...(this.#options.executorFlags ?? []), ...flags]);
  }

  async startWorker(...flags: string[]): Promise<Member> {
    const slots = String(this.#options.slots ?? DEFAULT_SLOTS);
    const own = ["--functions", TASKS, "--workers", slots, ...(this.#options.workerFlags ?? [])];
    return this.#start("worker", [...own, ...flags]);
  }

  /** At once, and without a word. */
  kill(member: Member): Fault {
    const fault = this.begin(`${member.kind} killed`, member.name);
    member.ending = "SIGKILL";
    member.program.kill("SIGKILL");
    this.#remove(member);
    return fault;
  }

  freeze(member: Member): Fault {
    const fault = this.begin(`${member.kind} frozen`, member.name);
    member.program.kill("SIGSTOP");
    return fault;
  }

  resume(member: Member, fault: Fault): void {
    member.program.kill("SIGCONT");
    this.end(fault);
  }

  /** Tells a worker to end in order. */
  drain(member: Member): Fault {
    const fault = this.begin("worker drained", member.name);
    member.ending = "SIGTERM";
    member.program.kill("SIGTERM");
    this.#remove(member);
    return fault;
  }

  /** Writes down that something is done from now on. */
  begin(kind: FaultKind, target: string): Fault {
    const fault = { kind, target, from: Date.now() };
    this.faults.push(fault);
    return fault;
  }

  end(fault: Fault): void {
    fault.to = Date.now();
  }

  async executions(): Promise<Execution[]> {
    return executionsOf(readTruth(await readFile(`${this.#folder.path}/truth`, "utf8")));
  }

  /** What runs on a worker now. */
  async runningOn(member: Member): Promise<Execution[]> {
    const all = await this.executions();
    return all.filter(({ worker, end }) => worker === member.name && end === undefined);
  }

  /** Waits until it has done something that it started after a moment: it is a healthy worker. */
  async completesOn({ name }: Member, after: number): Promise<void> {
    await this.until(async () => {
      const all = await this.executions();
      return all.some(
        ({ worker, startedAt, end }) => worker === name && startedAt > after && end?.how === "completed",
      );
    });
  }

  /** Waits for a condition of the cluster; at the deadline it fails and prints all there is to know. */
  async until<T>(
    look: () => T | undefined | false | Promise<T | undefined | false>,
    ms = PATIENCE_MS,
  ): Promise<T> {
    return until(look, () => this.describe(), ms);
  }

  /** Waits until all that was submitted has ended and nothing runs any more, and judges. */
  async verdict(): Promise<Findings> {
    const { witness, faults } = this;
    await this.until(() => witness.unfinished.length === 0, ENDED_MS);
    await this.until(async () => (await this.#stillRunning()).length === 0, LEFT_MS);
    const results = new Map<string, RunResult>();
    for (const { runId } of witness.runs) {
      const result = await witness.result(runId);
      if (result !== undefined) results.set(runId, result);
    }
    return check({
      runs: witness.runs,
      facts: witness.facts,
      truth: readTruth(await readFile(`${this.#folder.path}/truth`, "utf8")),
      faults,
      results,
      cancelMs: TOLERANCE * CANCEL_MS,
    });
  }

  async describe(): Promise<unknown> {
    const members = this.#all
      .filter((member) => this.executors.includes(member) || this.workers.includes(member))
      .map((member) => [member.name, member.describe()] as const);
    return {
      faults: this.faults.slice(-5),
      running: (await this.#stillRunning()).slice(0, 20),
      cluster: await this.witness.describe(),
      members: Object.fromEntries(members),
    };
  }

  /** Leaves all that is known in the folder, for whoever looks for the cause; resolves with its path. */
  async keep(): Promise<string> {
    this.#isKept = true;
    const lines = (all: readonly unknown[]): string => all.map((each) => JSON.stringify(each)).join("\n");
    await this.#folder.write("facts", lines(this.witness.facts));
    await this.#folder.write("faults", lines(this.faults));
    await this.#folder.write("state", JSON.stringify(await this.describe(), undefined, 1));
    for (const { name, program } of this.#all) {
      await this.#folder.write(`${name}.log`, `${program.stdout}${program.stderr}`);
    }
    return this.#folder.path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((member) => member[Symbol.asyncDispose]()));
    await this.witness[Symbol.asyncDispose]();
    try {
      await until(
        () => this.#leftBehind().length === 0,
        () => this.#leftBehind(),
        LEFT_MS,
      );
    } finally {
      for (const { pid } of this.#leftBehind()) process.kill(pid, "SIGKILL");
      if (!this.#isKept) await this.#folder[Symbol.asyncDispose]();
    }
  }

  async #start(kind: "executor" | "worker", flags: readonly string[]): Promise<Member> {
    const { server, proxied, flags: shared = [], workerEnv } = this.#options;
    const name = `${kind}-${++this.#named}`;
    const proxy = proxied === true ? await TcpProxy.before(server.port ?? 0) : undefined;
    const nats = proxy === undefined ? server.url : `nats://127.0.0.1:${proxy.port}`;
    const member = new Member({
      kind,
      name,
      flags: [
        ...["--nats", nats, "--namespace", this.#namespace, ...shared, ...flags],
        ...(kind === "worker" ? ["--id", name] : []),
      ],
      env: {
        ...(kind === "worker" ? workerEnv : {}),
        TRUTH_FILE: `${this.#folder.path}/truth`,
        TRUTH_WORKER: name,
      },
      ...(proxy === undefined ? {} : { proxy }),
    });
    this.#all.push(member);
    await member.started();
    (kind === "worker" ? this.workers : this.executors).push(member);
    void member.program.finished.then(() => this.#onEnd(member));
    return member;
  }

  /** A worker may be killed by what it runs. */
  #onEnd(member: Member): void {
    if (member.ending !== undefined) return;
    this.begin(`${member.kind} killed`, member.name);
    this.#remove(member);
  }

  #remove(member: Member): void {
    const list = member.kind === "worker" ? this.workers : this.executors;
    if (list.includes(member)) list.splice(list.indexOf(member), 1);
  }

  /** Of workers that live; what died with its worker has no end. */
  async #stillRunning(): Promise<Execution[]> {
    const living = new Set(this.workers.map(({ name }) => name));
    return (await this.executions()).filter(({ worker, end }) => end === undefined && living.has(worker));
  }

  /** Processes that have our environment: whatever was started here, and what that has started. */
  #leftBehind(): { readonly pid: number; readonly command: string }[] {
    if (!existsSync("/proc/self/environ")) return [];
    const mark = `TRUTH_FILE=${this.#folder.path}/truth`;
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids
      .filter((pid) => environmentOf(pid).includes(mark))
      .map((pid) => ({ pid: Number(pid), command: commandOf(Number(pid)) }));
  }
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}
