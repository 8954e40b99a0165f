/** Definitions of many shapes. */
import { type Dag, EXPONENTIAL_RETRY, type Task } from "../../../internal/core/model.ts";
import { dag, task } from "../../support/dags.ts";
import type { SeededRandom } from "../../support/random.ts";
import { withData } from "../../support/random-data.ts";
import { COMMON, HANDS, RARE } from "../actors/sim-tasks.ts";

/** Share of DAGs whose tasks pass artifacts to each other. */
const WITH_ARTIFACTS = 0.6;

type Upstream = (position: number, random: SeededRandom) => number[];

/** Where artifacts are passed, not the last. */
const SHAPES: readonly Upstream[] = [
  // A chain.
  (position) => (position === 0 ? [] : [position - 1]),
  // One, then all the others.
  (position) => (position === 0 ? [] : [0]),
  // Layers of three.
  (position) => before(position).filter((each) => Math.floor(each / 3) === Math.floor(position / 3) - 1),
  // Some of those before.
  (position, random) => before(position).filter(() => random.chance(2 / Math.max(2, position))),
  // No order at all.
  () => [],
];

export function randomDag(random: SeededRandom, name: string, queues: readonly string[]): Dag {
  const passesArtifacts = random.chance(WITH_ARTIFACTS);
  const shape = random.pick(passesArtifacts ? SHAPES.slice(0, -1) : SHAPES);
  const size = passesArtifacts ? 2 + random.below(5) : 1 + random.below(9);
  const tasks = Array.from({ length: size }, (_, position) => {
    const plain = randomTask(random, { position, upstream: shape(position, random), queues });
    return passesArtifacts ? withData(random, { ...plain, command: HANDS }) : plain;
  });
  return dag(tasks, {
    name,
    onFailure: random.pick(["continue", "continue", "stop", "allow_partial"]),
    tenantId: random.pick(["acme", "umbrella"]),
    ...(random.chance(0.2) ? { timeoutMs: 2_000 + random.below(20_000) } : {}),
    ...(random.chance(0.3) ? { maxParallel: 1 + random.below(3) } : {}),
  });
}

interface Place {
  readonly position: number;
  readonly upstream: readonly number[];
  readonly queues: readonly string[];
}

function randomTask(random: SeededRandom, { position, upstream, queues }: Place): Task {
  return task(`t${position}`, {
    command: random.chance(0.1) ? RARE : COMMON,
    dependsOn: upstream.map((each) => `t${each}`),
    retries: random.pick([0, 0, 1, 2]),
    retry: {
      ...EXPONENTIAL_RETRY,
      backoff: random.pick(["none", "fixed", "linear", "exponential"]),
      initialMs: random.pick([100, 1_000]),
      maxMs: 5_000,
    },
    queue: random.pick(queues),
    priority: 1 + random.below(9),
    critical: random.chance(0.3),
    allowFailure: random.chance(0.25),
    ...(random.chance(0.2) ? { timeoutMs: 500 + random.below(5_000) } : {}),
    ...(random.chance(0.2) ? { params: { text: "x".repeat(random.below(200)) } } : {}),
  });
}

function before(position: number): number[] {
  return Array.from({ length: position }, (_, i) => i);
}
