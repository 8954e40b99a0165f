/** Messages with every field set, and short ways to make many. */
import type { Work } from "../../internal/core/attempt.ts";
import type { Outcomes, Submitted } from "../../internal/core/facts.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { Delivery } from "../../internal/ports/task-queue.ts";
import type { Heartbeat } from "../../internal/ports/presence.ts";
import { Collected } from "../support/collected.ts";
import { SeededRandom } from "../support/random.ts";

export const RUN = { runId: "run-1", partition: 7 };

export const SUBMITTED: Submitted = {
  kind: "submitted",
  dagName: "nightly",
  tenantId: "acme",
  definition: { name: "abc123", bytes: 1_200, chunks: 1 },
  params: { inline: { city: "Malmö", nested: { list: [1, "two", null, true] } } },
  defaults: { taskTimeoutMs: 1_234.5, lossCap: 3 },
  semantics: 1,
  nonce: "nonce-1",
};

export const COMPLETED: Outcome = {
  task: "a",
  index: 0,
  attempt: 1,
  state: "completed",
  worker: "worker-1",
  durationMs: 12.345,
  output: { inline: { rows: 7 } },
};

export const FAILED: Outcome = {
  task: "b",
  index: 0,
  attempt: 2,
  state: "failed",
  durationMs: 0,
  output: { ref: { name: "out-b-0-2", bytes: 100_000, chunks: 1 } },
  error: { reason: "killed", message: "ended by SIGSEGV\nat once", exitCode: 139, signal: "SIGSEGV" },
};

export const SKIPPED: Outcome = {
  task: "c",
  index: 0,
  attempt: 1,
  state: "skipped",
  worker: "worker-1",
  durationMs: 2,
  output: { inline: {} },
  message: "nothing new since yesterday",
};

/** What it waits for is not there, and no further attempt is worth it: no real failure is both. */
export const NOT_YET: Outcome = {
  task: "d",
  index: 0,
  attempt: 3,
  state: "failed",
  durationMs: 1,
  error: { reason: "not-yet", message: "no file", isFinal: true, againAfterMs: 500.5, giveUpAfterMs: 60_000 },
};

export function outcomes(n: number, more: Partial<Outcomes> = {}): Outcomes {
  return {
    kind: "outcomes",
    runSeq: 1,
    items: [COMPLETED],
    queue: "default",
    incarnation: "worker-1-x",
    n,
    ...more,
  };
}

export const WORK: Work = {
  runId: "run-1",
  task: "extract",
  index: 0,
  attempt: 1,
  runSeq: 42,
  partition: 63,
  dagName: "nightly",
  tenantId: "acme",
  queue: "default",
  type: "bash",
  command: 'echo "$JETDAG_PARAM_city"',
  options: { retry_on: [7] },
  env: { LANG: "sv_SE.UTF-8" },
  timeoutMs: 90_000.5,
  inputs: {
    inline: {
      run: { inline: { city: "Malmö" } },
      own: { retries: 3 },
      upstream: [
        ["first", { inline: { rows: 7 } }],
        ["second", { ref: { name: "out-second-0-1", bytes: 70_000, chunks: 1 } }],
      ],
    },
  },
};

export function work(task: string, more: Partial<Work> = {}): Work {
  return { ...WORK, task, ...more };
}

/** The n-th of many tasks. */
export function numbered(n: number, more: Partial<Work> = {}): Work {
  return work(`t${n}`, more);
}

export const HEARTBEAT: Heartbeat = {
  workerId: "worker-1",
  incarnation: "worker-1-x",
  host: "node-a",
  pid: 4_711,
  queues: ["default", "gpu"],
  functions: ["echo"],
  slots: 4,
  server: "NAUT5VSV",
  told: 3,
  blockedMs: 12,
  held: [{ runId: "run-1", task: "a", index: 0, attempt: 1, queue: "default", partition: 7, heldMs: 1_500 }],
  time: 1_700_000_000_000,
  draining: false,
  goodbye: false,
};

/** Deliveries as they come, by the task's id. */
export class Deliveries extends Collected<Delivery> {
  get tasks(): string[] {
    return this.items.map(({ work: { task } }) => task);
  }
  /** The newest delivery of this task. */
  of(task: string): Delivery {
    const found = this.items.findLast((delivery) => delivery.work.task === task);
    if (found === undefined)
      throw new Error(`'${task}' was not delivered; there are: ${this.tasks.join(" ")}`);
    return found;
  }
  /** How often this task was delivered. */
  count(task: string): number {
    return this.tasks.filter((each) => each === task).length;
  }
}

export function noise(size: number, seed = 1): Uint8Array {
  const random = new SeededRandom(seed);
  return Uint8Array.from({ length: size }, () => random.below(256));
}
