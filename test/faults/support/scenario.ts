/** The frame of a fault test: a cluster under load, something done to it, and the verdict when all has ended. */
import type { TestContext } from "vitest";
import type { LoggedFact } from "../../../internal/core/facts.ts";
import { TestServer } from "../../support/nats-server.ts";
import { SeededRandom } from "../../support/random.ts";
import type { Execution } from "./evidence.ts";
import type { Bounds } from "./figures.ts";
import { Load, type LoadOptions } from "./load.ts";
import { longestWaitMs, type Measured, measureLosses } from "./measures.ts";
import { Stage, type StageOptions } from "./stage.ts";
import { assertSound } from "./verdict.ts";

/** Workers are dead after so long a silence, in milliseconds: a tenth of the default. */
export const DEAD_AFTER_MS = 3_000;
/** What is promised for the silent: 35 s with the default of 30. */
export const SILENT_BOUND_MS = DEAD_AFTER_MS + 5_000;

/** A tenth of the defaults, so that the silent are found out in seconds. */
export const TIMES = {
  flags: ["--heartbeat", "1s"],
  executorFlags: ["--dead-after", `${DEAD_AFTER_MS}ms`],
} as const;

export interface Scenario {
  readonly fault: string;
  readonly seed: number;
  readonly stage: Omit<StageOptions, "server">;
  /** More or less than the usual. */
  readonly load?: Partial<Omit<LoadOptions, "random">>;
  readonly bounds?: Bounds;
  /** Before there is any load. */
  prepare?(stage: Stage): Promise<void>;
  /** Does it, under load; resolves with how often. */
  act(scene: Scene): Promise<number>;
  /** Default: what was lost with workers. */
  measure?(scene: Scene, seen: Seen): Partial<Measured>;
}

/** What a scenario plays on. */
export interface Scene {
  readonly stage: Stage;
  readonly random: SeededRandom;
}

export interface Seen {
  readonly facts: readonly LoggedFact[];
  readonly executions: readonly Execution[];
}

const USUAL = { runsPerSecond: 2.5, ms: [100, 500] } as const;

/** On a server of its own. Resolves with what was seen, for what else there is to look at. */
export async function assertScenario(context: TestContext, scenario: Scenario): Promise<Seen> {
  await using server = await TestServer.start();
  return await assertScenarioOn(server, context, scenario);
}

/** The same on a server that is there. */
export async function assertScenarioOn(
  server: StageOptions["server"],
  context: TestContext,
  scenario: Scenario,
): Promise<Seen> {
  const { stage: options } = scenario;
  await using stage = await Stage.open({ ...options, server });
  let isSound = false;
  try {
    const seen = await play(stage, context, scenario);
    isSound = true;
    return seen;
  } finally {
    if (!isSound || process.env.FAULTS_KEEP !== undefined) {
      process.stderr.write(`\n${scenario.fault}: what there is to know is in ${await stage.keep()}\n`);
    }
  }
}

async function play(stage: Stage, context: TestContext, scenario: Scenario): Promise<Seen> {
  const { fault, bounds = {}, load: more, act, measure = measureWorkers } = scenario;
  await scenario.prepare?.(stage);
  const scene = { stage, random: new SeededRandom(scenario.seed) };
  await using load = new Load(stage.witness, { ...USUAL, ...more, random: scene.random });
  const trials = await act(scene);
  await load.stop();
  const findings = await stage.verdict();
  const seen = await look(stage);
  const measured = measure(scene, seen);
  const { runs } = stage.witness;
  const longestWait = longestWaitMs(runs, seen);
  assertSound(context, {
    fault,
    trials,
    runs: runs.length,
    longestWaitMs: longestWait,
    measured,
    bounds,
    findings,
  });
  return seen;
}

/** Waits until all that a fault of a worker hit runs elsewhere. */
export async function hitRunsElsewhere({ stage }: Scene, withinMs: number): Promise<void> {
  await stage.until(async () => {
    return measureLosses(stage.faults.slice(-1), await look(stage)).stuck.length === 0;
  }, withinMs);
}

async function look(stage: Stage): Promise<Seen> {
  return { facts: stage.witness.facts, executions: await stage.executions() };
}

function measureWorkers({ stage }: Scene, seen: Seen): Measured {
  return measureLosses(
    stage.faults.filter(({ kind }) => kind.startsWith("worker ")),
    seen,
  );
}
