/** Definitions for tests, with everything that a test does not care about left at its default. */
import {
  type Dag,
  DEFAULT_PRIORITY,
  DEFAULT_QUEUE,
  DEFAULT_TENANT,
  EXPONENTIAL_RETRY,
  NO_ENV,
  NO_OPTIONS,
  NO_PARAMS,
  NO_TAGS,
  type Task,
} from "../../internal/core/model.ts";
import type { SeededRandom } from "./random.ts";

export function task(id: string, more: Partial<Task> = {}): Task {
  return {
    id,
    type: "function",
    command: "echo",
    options: NO_OPTIONS,
    params: NO_PARAMS,
    dependsOn: [],
    retries: 0,
    retry: EXPONENTIAL_RETRY,
    queue: DEFAULT_QUEUE,
    priority: DEFAULT_PRIORITY,
    critical: false,
    allowFailure: false,
    env: NO_ENV,
    ...more,
  };
}

export function dag(tasks: readonly Task[], more: Partial<Dag> = {}): Dag {
  return {
    name: "test",
    tags: NO_TAGS,
    tenantId: DEFAULT_TENANT,
    params: NO_PARAMS,
    onFailure: "continue",
    isPaused: false,
    tasks,
    ...more,
  };
}

/** Each task depends on some of those before it. */
export function randomDag(random: SeededRandom, size: number): Dag {
  const tasks = Array.from({ length: size }, (_, position) => {
    const dependsOn = Array.from({ length: position }, (_unused, i) => `t${i}`).filter(() =>
      random.chance(2 / Math.max(2, position)),
    );
    return task(`t${position}`, {
      dependsOn,
      retries: random.below(3),
      retry: { ...EXPONENTIAL_RETRY, backoff: random.pick(["none", "fixed", "exponential"]) },
      critical: random.chance(0.3),
      allowFailure: random.chance(0.1),
      priority: 1 + random.below(9),
    });
  });
  return dag(tasks, { onFailure: random.pick(["continue", "stop", "allow_partial"]) });
}
