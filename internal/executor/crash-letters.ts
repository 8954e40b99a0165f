/**
 * Writes the dead letters of tasks that killed their workers. The log has all that a letter says; the letter is what an
 * operator finds without looking for it.
 */
import { type Loss, lossesOf, tellRun, type ToldRun } from "../core/endings.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RunFold } from "../core/run-fold.ts";
import type { Clock } from "../ports/clock.ts";
import type { CrashedLetter, DeadLetters } from "../ports/dead-letters.ts";
import type { Observer } from "../ports/observer.ts";
import type { RunLog } from "../ports/run-log.ts";

export interface CrashLettersOptions {
  readonly log: Pick<RunLog, "factsOf">;
  readonly deadLetters: Pick<DeadLetters, "put">;
  readonly clock: Pick<Clock, "after">;
  readonly observer: Observer;
}

/** What could not be written is tried again so much later, and so often: then it is told, and the log has it all the same. */
const AGAIN_MS = 5_000;
const TRIES = 10;

/** Letters of one run that are being written. */
interface Writing {
  /** Instances whose letters are not begun yet, by their numbers. */
  next: Set<number>;
  readonly done: Promise<void>;
}

export class CrashLetters {
  readonly #options: CrashLettersOptions;
  readonly #underWay = new Map<RunFold, Writing>();

  constructor(options: CrashLettersOptions) {
    this.#options = options;
  }

  /** These outcomes were accepted just now. */
  accepted(run: RunFold, outcomes: readonly Outcome[]): void {
    const crashed = outcomes
      .map((outcome) => run.instanceOf(outcome) ?? -1)
      .filter((instance) => run.instances.state(instance) === "crashed");
    for (const instance of crashed) {
      const { runId, task, index } = run.idOf({ instance, attempt: 0 });
      this.#options.observer.observe({ kind: "task-crashed", runId, task, index });
    }
    this.#write(run, crashed);
  }

  /** Whoever drove the run before may have died before he wrote. */
  recovered(run: RunFold): void {
    if (run.instances.counts.crashed === 0) return;
    const instances = [...run.graph.order].flatMap((position) => run.instances.of(position));
    this.#write(
      run,
      instances.filter((instance) => run.instances.state(instance) === "crashed"),
    );
  }

  /** Resolves when nothing of this run is under way. */
  async written(run: RunFold): Promise<void> {
    await this.#underWay.get(run)?.done;
  }

  #write(run: RunFold, instances: readonly number[]): void {
    if (instances.length === 0) return;
    const writing = this.#underWay.get(run);
    if (writing !== undefined) for (const instance of instances) writing.next.add(instance);
    else this.#begin(run, new Set(instances));
  }

  #begin(run: RunFold, instances: Set<number>): void {
    const writing: Writing = {
      next: instances,
      done: Promise.resolve().then(() => this.#putAll(run, writing)),
    };
    this.#underWay.set(run, writing);
  }

  /** What crashes meanwhile goes with the next reading of the log. */
  async #putAll(run: RunFold, writing: Writing): Promise<void> {
    const { observer } = this.#options;
    for (let triesLeft = TRIES; writing.next.size > 0 && triesLeft > 0;) {
      const instances = writing.next;
      writing.next = new Set();
      try {
        await this.#put(run, instances);
      } catch (error) {
        const what = `writing the dead letters of run ${run.runId}`;
        observer.observe({ kind: "trouble", what, error: String(error) });
        for (const instance of instances) writing.next.add(instance);
        triesLeft--;
        await this.#pause();
      }
    }
    this.#underWay.delete(run);
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#options.clock.after(AGAIN_MS, resolve);
    });
  }

  async #put({ runId, graph }: RunFold, instances: ReadonlySet<number>): Promise<void> {
    const { log, deadLetters } = this.#options;
    const told = tellRun(await log.factsOf(runId), graph);
    if (told === undefined) return;
    const losses = lossesOf(told);
    const letters = [...instances].flatMap((instance) => letterOf(told, instance, losses.get(instance)));
    await Promise.all(letters.map((letter) => deadLetters.put(letter)));
  }
}

/** None for an instance that crashed in a generation before: it has its letter. */
function letterOf({ run }: ToldRun, instance: number, losses: readonly Loss[] = []): CrashedLetter[] {
  const { gen, submitted } = run;
  const { runId, task, index } = run.idOf({ instance, attempt: 0 });
  if (losses.length === 0) return [];
  return [{ kind: "crashed", runId, dagName: submitted.dagName, task, index, gen, losses }];
}
