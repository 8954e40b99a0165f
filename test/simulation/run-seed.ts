/** One seed from its beginning to its end: a cluster, its runs, what goes wrong, and all that must hold. */
import { Fleet } from "./actors/fleet.ts";
import type { Surroundings } from "./actors/program.ts";
import { Users } from "./actors/users.ts";
import { Starts } from "./checks/starts.ts";
import { Truth } from "./checks/truth.ts";
import { watchValues } from "./checks/values.ts";
import { checkDeath } from "./checks/verdicts.ts";
import { watchFolds } from "./checks/watch-folds.ts";
import { type Violation, World } from "./engine/world.ts";
import { heal, planFaults } from "./scenario/faults.ts";
import { settingsOf } from "./scenario/settings.ts";
import { SimServer } from "./server/server.ts";

export interface SeedResult {
  readonly seed: number;
  readonly hash: string;
  readonly violation: Violation | undefined;
  /** What happened, line by line, where it was asked for. */
  readonly lines: readonly string[];
  readonly starts: number;
  readonly doubled: number;
  readonly facts: number;
  readonly voidOutcomes: number;
  readonly simulatedMs: number;
}

/** When neither log nor workers have moved for so long after the faults, nothing will ever move again. */
const STUCK_MS = 15 * 60_000;
const LOOK_MS = 250;

export async function runSeed(seed: number, { trace = false } = {}): Promise<SeedResult> {
  const world = new World(seed, { keepsLines: trace });
  const settings = settingsOf(world.random);
  world.note(JSON.stringify(settings));
  const server = new SimServer({ world, ...settings, onAck: (work) => truth.onAck(work) });
  const truth = new Truth(world, server);
  if (settings.isCalm) server.tasks.listen({ stored: ({ subject }) => truth.onEnqueued(subject) });
  watchValues({ world, server, truth });
  const starts = new Starts({ world, truth, isCalm: settings.isCalm });
  const surroundings: Surroundings = {
    world,
    server,
    settings,
    truth,
    starts,
    onObservation: (program, observation) => {
      world.note(`${program.name}: ${observation.kind}`);
      if (observation.kind === "trouble") world.note(`${observation.what}: ${observation.error}`);
      if (observation.kind === "worker-dead") checkDeath(observation, surroundings, fleet);
    },
  };
  const unwatch = watchFolds((fold, logged) => truth.onFold(fold, logged));
  const fleet = new Fleet(surroundings);
  const users = new Users(surroundings, fleet);
  planFaults(surroundings, fleet);
  try {
    await world.run(settings.activeMs);
    heal(surroundings);
    await new Settling({ ...surroundings, fleet, users }).wait();
  } finally {
    unwatch();
  }
  return {
    seed,
    hash: world.trace.hash,
    violation: world.violation,
    lines: world.trace.lines,
    starts: starts.total,
    doubled: starts.doubled,
    facts: server.runs.lastSeq,
    voidOutcomes: truth.voidOutcomes,
    simulatedMs: world.now,
  };
}

/** Every run ends once the faults stop, and nothing is left over. */
class Settling {
  readonly #all: Surroundings & { readonly fleet: Fleet; readonly users: Users };
  #progress = "";
  #movedAt: number;

  constructor(all: Surroundings & { readonly fleet: Fleet; readonly users: Users }) {
    this.#all = all;
    this.#movedAt = all.world.now;
  }

  async wait(): Promise<void> {
    const { world } = this.#all;
    if (world.violation !== undefined) return;
    let left = this.#left();
    while (world.violation === undefined && left.length > 0 && !this.#isStuck()) {
      await world.run(world.now + LOOK_MS);
      left = this.#left();
    }
    if (left.length > 0) world.fail("every run ends", left.join("; "));
  }

  #isStuck(): boolean {
    const { world, server, starts } = this.#all;
    const progress = `${server.runs.lastSeq} ${starts.total} ${starts.running}`;
    if (progress !== this.#progress) {
      this.#progress = progress;
      this.#movedAt = world.now;
    }
    return world.now - this.#movedAt > STUCK_MS;
  }

  #left(): string[] {
    const { truth, server, starts, fleet, users } = this.#all;
    const left = truth.unfinished.map(({ runId, end }) => `run ${runId} is ${end ?? "not over"}`);
    if (left.length > 0) return left;
    const tasks = [...server.tasks.subjects];
    if (tasks.length > 0) left.push(`in the queue: ${tasks.join(", ")}`);
    if (starts.running > 0) left.push(`${starts.running} attempts run`);
    const active = fleet.executors.flatMap(({ service }) => service.look()?.activeRuns ?? []);
    if (!active.includes(0)) left.push("no executor has finished with all runs");
    left.push(...users.unsettled.map((each) => `nobody was told the result of ${each}`));
    return left;
  }
}
