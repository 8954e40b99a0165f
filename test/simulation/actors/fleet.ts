/** All executors and workers; who dies is started again a little later, under the same name. */
import { Program, type Surroundings } from "./program.ts";
import { SimExecutor } from "./sim-executor.ts";
import { SimWorker } from "./sim-worker.ts";

const RESTART_MS = 8_000;
/** Where nothing goes wrong, somebody sees to it. */
const RESTART_CALM_MS = 1_000;

export class Fleet {
  readonly #surroundings: Surroundings;
  readonly #executors: SimExecutor[] = [];
  readonly #workers: SimWorker[] = [];
  #starts = 0;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    const { executors, workers } = surroundings.settings;
    for (let i = 0; i < executors; i++) this.#startExecutor(i);
    for (let i = 0; i < workers.length; i++) this.#startWorker(i);
  }

  /** Those that live. */
  get executors(): SimExecutor[] {
    return this.#executors.filter(({ process }) => process.isAlive);
  }
  get workers(): SimWorker[] {
    return this.#workers.filter(({ process }) => process.isAlive);
  }
  get programs(): Program[] {
    return [...this.executors, ...this.workers];
  }

  /** Of a worker that lives, or lived. */
  workerOf(incarnation: string): SimWorker | undefined {
    return this.#workers.find(({ name }) => name === incarnation);
  }

  #startExecutor(i: number): void {
    const { settings } = this.#surroundings;
    const standsIn = i < settings.standIns;
    this.#executors[i] = new SimExecutor(`e${i}-${++this.#starts}`, standsIn, this.#surroundings);
    this.#watch(
      () => this.#executors[i],
      () => this.#startExecutor(i),
    );
  }

  #startWorker(i: number): void {
    const plan = this.#surroundings.settings.workers[i];
    if (plan === undefined) return;
    this.#workers[i] = new SimWorker(plan, this.#surroundings);
    this.#watch(
      () => this.#workers[i],
      () => this.#startWorker(i),
    );
  }

  #watch(program: () => Program | undefined, restart: () => void): void {
    program()?.process.onDeath(() => {
      const { world, settings } = this.#surroundings;
      const restartMs = settings.isCalm ? RESTART_CALM_MS : RESTART_MS;
      world.after(world.random.next() * restartMs, "a program is started again", restart);
    });
  }
}
