/** What a seed's cluster is like. */
import type { Retention } from "../../../internal/core/retention.ts";
import type { SeededRandom } from "../../support/random.ts";

export interface WorkerPlan {
  readonly id: string;
  readonly queues: readonly string[];
  readonly slots: number;
  /** It has a function that others lack. */
  readonly hasRare: boolean;
}

export interface Settings {
  /** Nothing goes wrong; executors and workers are restarted in order all the same. */
  readonly isCalm: boolean;
  readonly executors: number;
  /** So many of them drive only what no other does. */
  readonly standIns: number;
  readonly workers: readonly WorkerPlan[];
  readonly queues: readonly string[];
  readonly latencyMs: number;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly goneAfterMs: number;
  readonly probeIntervalMs: number;
  readonly retention: Retention | undefined;
  readonly ackWaitMs: number;
  readonly leaseTermMs: number;
  readonly graceMs: number;
  readonly shutdownTimeoutMs: number;
  readonly workerTimeoutMs: number;
  readonly taskTimeoutMs: number | undefined;
  readonly lossCap: number;
  readonly inlineLimit: number;
  readonly fanOutLimit: number;
  readonly maxAckPending: number;
  readonly keepsPurgedPlaces: boolean;
  /** How far a replica lags behind that a reader of the log follows, at most. */
  readonly followLagMs: number;
  /** Share of attempts that fail, and of those that take their worker with them. */
  readonly failures: number;
  readonly poison: number;
  /** Share of attempts that hand over more than an outcome holds. */
  readonly pieces: number;
  readonly runs: number;
  /** When runs stop being submitted and things stop going wrong. */
  readonly activeMs: number;
}

const CALM_SHARE = 0.2;

export function settingsOf(random: SeededRandom): Settings {
  const isCalm = random.chance(CALM_SHARE);
  const heartbeatMs = random.pick([6_000, 10_000]);
  const queues = ["default", "gpu", "io"].slice(0, 1 + random.below(3));
  return {
    isCalm,
    executors: isCalm ? 2 : 1 + random.below(3),
    standIns: random.chance(0.2) ? 1 : 0,
    workers: workersOf(random, queues),
    queues,
    latencyMs: random.pick([0.2, 1, 5]),
    heartbeatMs,
    deadAfterMs: heartbeatMs * random.pick([3, 4]),
    goneAfterMs: random.pick([1_000, 2_000]),
    probeIntervalMs: random.pick([500, 1_000, 5_000]),
    retention: random.chance(0.4) ? retentionOf(random, isCalm) : undefined,
    ackWaitMs: random.pick([6_000, 20_000, 60_000]),
    leaseTermMs: random.pick([3_000, 5_000]),
    graceMs: random.pick([300, 2_000, 5_000]),
    shutdownTimeoutMs: random.pick([500, 5_000, 30_000]),
    workerTimeoutMs: random.pick([5_000, 60_000, 1_800_000]),
    taskTimeoutMs: random.chance(0.3) ? undefined : random.pick([4_000, 30_000]),
    lossCap: random.pick([0, 1, 3, 5]),
    inlineLimit: random.pick([60, 400, 65_536]),
    fanOutLimit: random.pick([2, 4, 10]),
    maxAckPending: random.pick([3, 20_000, 20_000]),
    keepsPurgedPlaces: random.chance(0.2),
    followLagMs: random.pick([0, 10, 200]),
    failures: random.pick([0, 0.1, 0.3]),
    poison: isCalm ? 0 : random.pick([0, 0, 0.05]),
    pieces: random.pick([0, 0, 0.1]),
    runs: 1 + random.below(5),
    activeMs: random.pick([3_000, 10_000, 30_000]),
  };
}

/** Who is cut off for longer than the history is kept would wait for a run of which nothing is left. */
function retentionOf(random: SeededRandom, isCalm: boolean): Retention {
  return {
    retireAfterMs: random.pick([0, 2_000, 20_000]),
    maxFacts: random.pick([10, 100_000]),
    historyMs: isCalm ? 20_000 : 3_600_000,
    historyRuns: isCalm ? 2 : 1_000,
    historyBytes: 1_000_000_000,
  };
}

function workersOf(random: SeededRandom, queues: readonly string[]): WorkerPlan[] {
  const count = 1 + random.below(4);
  return Array.from({ length: count }, (_, i) => ({
    id: `w${i}`,
    // The first serves all, so that no queue stays without a worker.
    queues: i === 0 ? queues : queues.filter((_queue, at) => at === i % queues.length || random.chance(0.5)),
    slots: 1 + random.below(4),
    hasRare: i === 0 || random.chance(0.5),
  }));
}
