/** Who submits, cancels and retries runs: through the executors, or as the command line does it. */
import type { DagRun } from "../../../internal/executor/executor.ts";
import { cancelRun, prepareRetry } from "../../../internal/executor/inspection.ts";
import { prepareRun } from "../../../internal/executor/submission.ts";
import type { RunResult } from "../../../internal/core/result.ts";
import { randomDag } from "../scenario/dags.ts";
import type { Fleet } from "./fleet.ts";
import { Program, type Surroundings } from "./program.ts";
import type { SimExecutor } from "./sim-executor.ts";

/** Who thinks better of a cancel does so mostly at once. */
const SOON_MS = 2_000;

/** Who waits for a result at an executor. */
interface Waiting {
  readonly runId: string;
  readonly executor: SimExecutor;
  isOver: boolean;
}

export class Users {
  readonly #surroundings: Surroundings;
  readonly #fleet: Fleet;
  readonly #console: Program;
  readonly #waiting: Waiting[] = [];
  #submitted = 0;

  constructor(surroundings: Surroundings, fleet: Fleet) {
    this.#surroundings = surroundings;
    this.#fleet = fleet;
    this.#console = new Program("console", surroundings);
    const { world, settings } = surroundings;
    const early = (label: string, act: () => void): void => {
      world.after(world.random.next() ** 2 * settings.activeMs, label, act);
    };
    const late = (label: string, act: () => void): void => {
      world.after((1 - world.random.next() ** 2) * settings.activeMs, label, act);
    };
    for (let i = 0; i < settings.runs; i++) {
      early("a user submits", () => this.#submit());
      if (world.random.chance(0.25)) early("a user cancels", () => this.#cancel());
      if (world.random.chance(0.4)) late("a user retries", () => this.#retry());
      if (world.random.chance(0.4)) late("a user retries", () => this.#retry());
    }
  }

  /** Waits that should be over when all runs are: those at executors that live. */
  get unsettled(): string[] {
    return this.#waiting
      .filter(({ executor, isOver }) => !isOver && executor.process.isAlive && !executor.isStopping)
      .map(({ runId, executor }) => `${runId} at ${executor.name}`);
  }

  #submit(): void {
    const { world, settings } = this.#surroundings;
    const { random } = world;
    const name = `d${random.below(3)}`;
    const number = ++this.#submitted;
    const run: DagRun = {
      dag: randomDag(random, name, settings.queues),
      runId: `r${number}`,
      params: random.chance(0.2) ? { text: "p".repeat(random.below(200)) } : {},
    };
    const executor = this.#pickExecutor();
    if (executor === undefined || random.chance(0.4)) {
      this.#tell(`submit ${run.runId}`, this.#submitAtConsole(run));
      return;
    }
    this.#tell(
      `submit ${run.runId} at ${executor.name}`,
      executor.service.submit(run).then((handle) => this.#wait(executor, handle)),
    );
  }

  async #submitAtConsole(run: DagRun): Promise<void> {
    const { lossCap, inlineLimit, fanOutLimit } = this.#surroundings.settings;
    await prepareRun(run, { ...this.#console.ports, lossCap, inlineLimit, fanOutLimit }).admit();
  }

  /** Mostly one that goes on. */
  #cancel(): void {
    const { truth, world } = this.#surroundings;
    const open = truth.unfinished;
    const runId =
      open.length > 0 && world.random.chance(0.8) ? world.random.pick(open).runId : this.#pickRun();
    if (runId === undefined) return;
    const executor = this.#pickExecutor();
    const cancelled =
      executor !== undefined && this.#surroundings.world.random.chance(0.5)
        ? executor.service.cancel(runId)
        : cancelRun(runId, this.#console.ports);
    this.#tell(
      `cancel ${runId}`,
      cancelled.then(() => {
        if (!world.random.chance(0.7)) return;
        const soonMs = world.random.next() ** 4 * SOON_MS;
        world.after(soonMs, "a user thinks better of it", () => this.#retry(runId));
      }),
    );
  }

  /** Mostly one that has ended badly. */
  #pickBad(): string | undefined {
    const { truth, world } = this.#surroundings;
    const bad = [...truth.runs.values()].filter(
      ({ fold: { end } }) => end !== undefined && end !== "completed",
    );
    const isMeant = bad.length > 0 && world.random.chance(0.8);
    return isMeant ? world.random.pick(bad).fold.runId : this.#pickRun();
  }

  #retry(runId = this.#pickBad()): void {
    if (runId === undefined) return;
    const executor = this.#pickExecutor();
    const { random } = this.#surroundings.world;
    const tasks = random.chance(0.3) ? [`t${random.below(4)}`] : [];
    if (executor !== undefined && random.chance(0.5)) {
      const retried = executor.service.retry(runId, { tasks }).then((handle) => this.#wait(executor, handle));
      this.#tell(`retry ${runId} at ${executor.name}`, retried);
    } else {
      this.#tell(
        `retry ${runId}`,
        prepareRetry(runId, tasks, this.#console.ports).then((retry) => retry.admit()),
      );
    }
  }

  #wait(
    executor: SimExecutor,
    { runId, result }: { readonly runId: string; readonly result: () => Promise<RunResult> },
  ): void {
    const waiting: Waiting = { runId, executor, isOver: false };
    this.#waiting.push(waiting);
    const settled = (told?: RunResult): void => {
      waiting.isOver = true;
      if (told !== undefined) this.#surroundings.truth.onResult(told);
    };
    result().then(settled, () => settled());
  }

  #tell(what: string, done: Promise<unknown>): void {
    const { world } = this.#surroundings;
    world.note(`${what}: asked`);
    done.then(
      () => world.note(`${what}: done`),
      (error: unknown) => world.note(`${what}: ${String(error)}`),
    );
  }

  #pickRun(): string | undefined {
    const { world } = this.#surroundings;
    return this.#submitted === 0 ? undefined : `r${1 + world.random.below(this.#submitted)}`;
  }

  #pickExecutor(): SimExecutor | undefined {
    const awake = this.#fleet.executors.filter(({ process, isStopping }) => process.isAwake && !isStopping);
    return awake.length === 0 ? undefined : this.#surroundings.world.random.pick(awake);
  }
}
