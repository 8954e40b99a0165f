/** What the tasks of the simulation do: the seed decides how long each attempt takes, how it ends, and whether it follows. */
import { type AttemptId, attemptKey } from "../../../internal/core/attempt.ts";
import type { JsonObject } from "../../../internal/core/json.ts";
import type { NewArtifact } from "../../../internal/core/new-artifact.ts";
import type { TaskError } from "../../../internal/core/outcome.ts";
import type {
  TaskCall,
  TaskContext,
  TaskExecutor,
  TaskReturn,
} from "../../../internal/ports/task-executor.ts";
import { randomArtifacts } from "../../support/random-data.ts";
import type { SeededRandom } from "../../support/random.ts";
import { contentOf } from "../checks/inputs.ts";
import type { Surroundings } from "./program.ts";
import type { SimWorker } from "./sim-worker.ts";

export const COMMON = "common";
/** A function that not every worker has. */
export const RARE = "rare";

/** One that hands over artifacts. */
export const HANDS = "hands";

/** Share of successes that are skips, and of failures that are looks in vain. */
const SKIPS = 0.05;
const LOOKS = 0.25;
/** Share of tasks that do not end when they are told to. */
const DEAF = 0.2;
const POISON_MS = 100;
/** Three of these are more than an outcome holds. */
const PAD = "x".repeat(50_000);

export class SimTasks implements TaskExecutor {
  readonly type = "function";
  readonly functions: readonly string[];
  readonly #worker: SimWorker;
  readonly #surroundings: Surroundings;

  constructor(worker: SimWorker, surroundings: Surroundings) {
    this.#worker = worker;
    this.#surroundings = surroundings;
    this.functions = worker.plan.hasRare ? [COMMON, HANDS, RARE] : [COMMON, HANDS];
  }

  execute(call: TaskCall, { signal, atEnd }: TaskContext): Promise<TaskReturn> {
    const { starts, world, settings } = this.#surroundings;
    const { process } = this.#worker;
    if (!this.functions.includes(call.command)) {
      return Promise.resolve(failure({ reason: "unknown-function", message: "not here" }));
    }
    starts.begun(call, this.#worker);
    const { random } = world;
    if (random.chance(settings.poison)) {
      world.after(random.next() * POISON_MS, `${process.name} is poisoned`, () => this.#worker.crash());
    }
    const plain = answerOf(random, settings.failures);
    const answer =
      plain.ok && call.command === HANDS ? { ...plain, artifacts: this.#artifacts(call, atEnd) } : plain;
    return new Promise((resolve) => {
      const end = (value: TaskReturn): void => {
        starts.ended(call, this.#worker);
        resolve(value);
      };
      const timer = process.clock.after(durationOf(random, settings.ackWaitMs), () => end(answer));
      const told = (): void => {
        if (random.chance(DEAF)) return;
        timer.cancel();
        const message = "told to end";
        process.clock.after(random.next() * settings.graceMs, () =>
          end(failure({ reason: "killed", message })),
        );
      };
      signal.addEventListener("abort", told, { once: true });
    });
  }

  /** Other ones each time that the attempt runs. */
  #artifacts(call: AttemptId, atEnd: TaskContext["atEnd"]): NewArtifact[] {
    const { starts, world, settings } = this.#surroundings;
    const { random } = world;
    const prefix = `${attemptKey(call)}~${starts.total}`;
    const isPadded = random.chance(settings.pieces);
    return randomArtifacts(random, { prefix, limit: settings.fanOutLimit }).map(({ size, ...artifact }) => {
      const padded = isPadded ? { ...artifact, metadata: { ...artifact.metadata, pad: PAD } } : artifact;
      if (size === undefined) return padded;
      const path = `/made/${artifact.id}`;
      this.#worker.files.add(path, contentOf({ id: artifact.id, size }));
      atEnd(() => this.#worker.files.remove(path));
      return { ...padded, path };
    });
  }
}

function durationOf(random: SeededRandom, ackWaitMs: number): number {
  const kind = random.next();
  if (kind < 0.4) return random.next() * 30;
  if (kind < 0.8) return random.next() * 1_000;
  if (kind < 0.97) return random.next() * 8_000;
  return random.next() * 2 * ackWaitMs;
}

function answerOf(random: SeededRandom, failures: number): TaskReturn {
  if (!random.chance(failures)) {
    const output: JsonObject = random.chance(0.3) ? {} : { value: "v".repeat(random.below(120)) };
    return random.chance(SKIPS) ? { ok: true, output, skipped: "as the seed decides" } : { ok: true, output };
  }
  if (random.chance(LOOKS)) return look(random);
  const reason = random.pick([
    "exit-nonzero",
    "exit-nonzero",
    "network",
    "bad-input",
    "worker-error",
  ] as const);
  const message = "as the seed decides";
  const again = random.chance(0.2) ? { againAfterMs: random.below(3_000) } : {};
  const last = random.chance(0.1) ? ({ isFinal: true } as const) : {};
  return { ...failure({ reason, message, ...again, ...last }), output: { code: 1 } };
}

function look(random: SeededRandom): TaskReturn {
  const againAfterMs = random.below(3_000);
  const limit = random.chance(0.7) ? { giveUpAfterMs: random.below(10_000) } : {};
  return failure({ reason: "not-yet", message: "not there", againAfterMs, ...limit });
}

function failure(error: TaskError): TaskReturn & { readonly ok: false } {
  return { ok: false, error };
}
