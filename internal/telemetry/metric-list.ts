/** Every metric of ours, declared once: what the services expose and the table in the documentation come from here. */

export interface Metric {
  readonly kind: "counter" | "gauge" | "histogram";
  /** None may have as many values as there are runs, tasks or workers. */
  readonly labels: readonly string[];
  readonly sentence: string;
}

const TYPE_AND_OUTCOME = ["type", "outcome"] as const;

/** Of both services. */
export const COMMON = {
  jetdag_writes_held_up: {
    kind: "gauge",
    labels: [],
    sentence:
      "1 while what this process writes has to wait, since the server is full or has no answer; 0 while it does not.",
  },
  jetdag_dead_letters_total: {
    kind: "counter",
    labels: ["kind"],
    sentence:
      "Dead letters that this process has written: `unreadable` messages that it put aside, tasks that `crashed` because they killed their workers.",
  },
  jetdag_troubles_total: {
    kind: "counter",
    labels: [],
    sentence: "Troubles met that pass by themselves or need somebody; the log says which.",
  },
} as const satisfies Record<string, Metric>;

export const OF_WORKER = {
  jetdag_worker_slots: {
    kind: "gauge",
    labels: [],
    sentence: "Attempts that this worker runs at a time.",
  },
  jetdag_worker_active_attempts: {
    kind: "gauge",
    labels: [],
    sentence: "Attempts that run on this worker now.",
  },
  jetdag_worker_attempts_total: {
    kind: "counter",
    labels: TYPE_AND_OUTCOME,
    sentence:
      "Attempts that ended on this worker, by task type and outcome: `completed`, or the reason of the failure.",
  },
  jetdag_worker_attempt_duration_seconds: {
    kind: "histogram",
    labels: ["type"],
    sentence: "How long attempts ran on this worker.",
  },
  jetdag_worker_log_bytes_total: {
    kind: "counter",
    labels: [],
    sentence: "Bytes that attempts printed and logged on this worker, told as each attempt ends.",
  },
  jetdag_worker_log_dropped_bytes_total: {
    kind: "counter",
    labels: [],
    sentence:
      "Of these, bytes that were never sent: an attempt printed more than `--log-limit`, or all of them faster than the server takes it.",
  },
} as const satisfies Record<string, Metric>;

/** Each executor speaks of the runs that it drives, so sums are those of the cluster; all know all workers. */
export const OF_EXECUTOR = {
  jetdag_shares: {
    kind: "gauge",
    labels: [],
    sentence: "How many of the 16 shares of all runs this executor drives.",
  },
  jetdag_active_runs: {
    kind: "gauge",
    labels: [],
    sentence: "Runs that have not ended, of those that this executor drives; the next speak of them too.",
  },
  jetdag_runs_submitted_total: { kind: "counter", labels: [], sentence: "Runs that were accepted." },
  jetdag_runs_retried_total: {
    kind: "counter",
    labels: [],
    sentence: "Runs that were begun again by a retry.",
  },
  jetdag_runs_ended_total: {
    kind: "counter",
    labels: ["state"],
    sentence: "Runs that ended, by state: `completed`, `failed`, `crashed`, `cancelled`.",
  },
  jetdag_runs_retired_total: {
    kind: "counter",
    labels: [],
    sentence: "Runs whose facts went from the log into the history.",
  },
  jetdag_run_duration_seconds: {
    kind: "histogram",
    labels: ["state"],
    sentence: "How long runs took from submission to end.",
  },
  jetdag_active_attempts: { kind: "gauge", labels: [], sentence: "Attempts that workers say they hold." },
  jetdag_attempts_total: {
    kind: "counter",
    labels: TYPE_AND_OUTCOME,
    sentence:
      "Attempts that ended, by task type and outcome that counts: `completed`, or the reason of the failure (`lost`: with its worker).",
  },
  jetdag_attempt_duration_seconds: {
    kind: "histogram",
    labels: ["type"],
    sentence: "How long attempts ran whose outcome counts.",
  },
  jetdag_void_outcomes_total: {
    kind: "counter",
    labels: ["reason"],
    sentence:
      "Outcomes that do not count: their attempt was `not-current` (taken for lost, or the second one of it), the `run-over`, it was of an `other-run` of the same id, or of an `unknown-task`.",
  },
  jetdag_queue_depth: {
    kind: "gauge",
    labels: ["queue"],
    sentence: "Attempts that could run and wait for a worker, by queue.",
  },
  jetdag_queue_workers: { kind: "gauge", labels: ["queue"], sentence: "Live workers that serve the queue." },
  jetdag_live_workers: { kind: "gauge", labels: [], sentence: "Workers that are alive." },
  jetdag_slots: { kind: "gauge", labels: [], sentence: "Slots of all live workers that do not drain." },
  jetdag_workers_lost_total: { kind: "counter", labels: [], sentence: "Workers that were declared dead." },
} as const satisfies Record<string, Metric>;

export const METRICS: Readonly<Record<string, Metric>> = { ...OF_EXECUTOR, ...OF_WORKER, ...COMMON };

/** The rows of the documentation's table. */
export function metricsTable(): string {
  const rows = (["executor", "worker", "both"] as const).flatMap((service) =>
    Object.entries(listOf(service)).map(([name, { kind, labels, sentence }]: [string, Metric]) => {
      const names = labels.map((label) => `\`${label}\``).join(", ");
      return `| \`${name}\` | ${kind} | ${names} | ${service} | ${sentence} |`;
    }),
  );
  return ["| metric | kind | labels | of | meaning |", "| --- | --- | --- | --- | --- |", ...rows].join("\n");
}

function listOf(service: "executor" | "worker" | "both"): Readonly<Record<string, Metric>> {
  switch (service) {
    case "executor":
      return OF_EXECUTOR;
    case "worker":
      return OF_WORKER;
    case "both":
      return COMMON;
  }
}
