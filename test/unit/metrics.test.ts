import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Outcome } from "../../internal/core/outcome.ts";
import type { ExecutorView } from "../../internal/core/cluster-view.ts";
import { boundedLabel } from "../../internal/telemetry/instruments.ts";
import { COMMON, METRICS, OF_EXECUTOR, OF_WORKER } from "../../internal/telemetry/metric-list.ts";
import { executorMetrics, type Metrics, workerMetrics } from "../../internal/telemetry/metrics.ts";

const completed: Outcome = { task: "a", index: 0, attempt: 1, durationMs: 250, state: "completed" };
const failed: Outcome = {
  task: "a",
  index: 0,
  attempt: 2,
  durationMs: 3_000,
  state: "failed",
  error: { reason: "exit-nonzero", message: "exit code 3" },
};

const VIEW: ExecutorView = {
  executor: "e",
  executors: 2,
  shares: [0, 2, 4],
  activeRuns: 3,
  workers: [1, 2].map((i) => ({
    ...{ workerId: `w${i}`, host: "h", pid: i, queues: ["default"], functions: [] },
    ...{ slots: 4, active: 1, draining: i === 2, blockedMs: 0, silentMs: 0 },
  })),
  held: [{ runId: "r", task: "a", index: 0, attempt: 1, workerId: "w1", sinceMs: 5 }],
  queues: [
    { queue: "default", depth: 7, queued: 7, window: 100, running: 2, workers: 2 },
    { queue: "gpu", depth: 1, queued: 1, window: 100, running: 0, workers: 0 },
  ],
};

async function samplesOf(metrics: Metrics): Promise<string[]> {
  const lines = (await metrics.text()).split("\n");
  return lines.filter((line) => line.startsWith("jetdag_") && !line.includes("_bucket"));
}

async function familiesOf(metrics: Metrics): Promise<string[]> {
  const types = (await metrics.text()).matchAll(/^# TYPE (jetdag_\S+) (\S+)$/gm);
  return [...types].map(([, name = "", kind = ""]) => `${name} ${kind}`).toSorted();
}

const declared = (list: object): string[] => {
  const names = [...Object.keys(list), ...Object.keys(COMMON)];
  return names.map((name) => `${name} ${METRICS[name]?.kind}`).toSorted();
};

const nothing = (): undefined => undefined;

test("each service exposes what is declared for it, and nothing else of ours", async () => {
  expect(await familiesOf(workerMetrics(() => ({ slots: 1, active: 0 }), nothing))).toEqual(
    declared(OF_WORKER),
  );
  expect(await familiesOf(executorMetrics(() => undefined, nothing))).toEqual(declared(OF_EXECUTOR));
});

test("names follow Prometheus: counters end in _total, durations are seconds", () => {
  for (const [name, { kind }] of Object.entries(METRICS)) {
    expect(name).toMatch(/^jetdag_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith("_total"), name).toBe(kind === "counter");
    expect(name.endsWith("_seconds"), name).toBe(kind === "histogram");
  }
  // What grows with runs, tasks or workers is no label.
  const labels = Object.values(METRICS).flatMap((metric) => metric.labels);
  expect(new Set(labels)).toEqual(new Set(["type", "outcome", "state", "queue", "reason", "kind"]));
});

test("a worker's attempts by type and outcome, and the process itself", async () => {
  const metrics = workerMetrics(
    () => ({ slots: 5, active: 2 }),
    () => "the server is full",
  );
  metrics.observe({ kind: "execution-ended", runId: "r", type: "bash", outcome: completed });
  metrics.observe({ kind: "execution-ended", runId: "r", type: "bash", outcome: failed });
  const attempt = { runId: "r", task: "a", index: 0, attempt: 1 };
  for (const dropped of [0, 30]) metrics.observe({ kind: "attempt-printed", attempt, bytes: 100, dropped });
  metrics.observe({ kind: "trouble", what: "x", error: "" });
  // It is the executor that tells of these.
  metrics.observe({ kind: "attempt-ended", runId: "r", type: "bash", outcome: completed });
  expect(await samplesOf(metrics)).toEqual([
    "jetdag_worker_slots 5",
    "jetdag_worker_active_attempts 2",
    'jetdag_worker_attempts_total{type="bash",outcome="completed"} 1',
    'jetdag_worker_attempts_total{type="bash",outcome="exit-nonzero"} 1',
    'jetdag_worker_attempt_duration_seconds_sum{type="bash"} 3.25',
    'jetdag_worker_attempt_duration_seconds_count{type="bash"} 2',
    "jetdag_worker_log_bytes_total 200",
    "jetdag_worker_log_dropped_bytes_total 30",
    "jetdag_writes_held_up 1",
    'jetdag_dead_letters_total{kind="unreadable"} 0',
    'jetdag_dead_letters_total{kind="crashed"} 0',
    "jetdag_troubles_total 1",
  ]);
  expect(await metrics.text()).toMatch(/^process_resident_memory_bytes \d+/m);
});

test("an executor that leads tells of the cluster, one that does not only that", async () => {
  let view: ExecutorView | undefined = VIEW;
  const metrics = executorMetrics(() => view, nothing);
  metrics.observe({ kind: "run-submitted", runId: "r", dagName: "d", tasks: 1 });
  metrics.observe({ kind: "run-finished", runId: "r", state: "failed", durationMs: 1_500 });
  metrics.observe({ kind: "attempt-ended", runId: "r", type: "http", outcome: failed });
  metrics.observe({ kind: "task-crashed", runId: "r", task: "a", index: 0 });
  metrics.observe({ kind: "outcome-void", runId: "r", outcome: completed, why: "run-over" });
  metrics.observe({ kind: "worker-dead", workerId: "w", incarnation: "w-1", held: 1, sign: "silent" });
  metrics.observe({ kind: "dead-letter", subject: "s", reason: "r" });
  const leading = await samplesOf(metrics);
  expect(leading).toEqual(
    expect.arrayContaining([
      "jetdag_shares 3",
      "jetdag_active_runs 3",
      "jetdag_runs_submitted_total 1",
      'jetdag_runs_ended_total{state="failed"} 1',
      'jetdag_runs_ended_total{state="completed"} 0',
      'jetdag_run_duration_seconds_sum{state="failed"} 1.5',
      "jetdag_active_attempts 1",
      'jetdag_attempts_total{type="http",outcome="exit-nonzero"} 1',
      'jetdag_void_outcomes_total{reason="run-over"} 1',
      'jetdag_void_outcomes_total{reason="not-current"} 0',
      'jetdag_queue_depth{queue="default"} 5',
      'jetdag_queue_depth{queue="gpu"} 1',
      'jetdag_queue_workers{queue="gpu"} 0',
      "jetdag_live_workers 2",
      "jetdag_slots 4",
      "jetdag_workers_lost_total 1",
      "jetdag_writes_held_up 0",
      'jetdag_dead_letters_total{kind="unreadable"} 1',
      'jetdag_dead_letters_total{kind="crashed"} 1',
    ]),
  );
  view = undefined;
  const standing = await samplesOf(metrics);
  expect(standing).toContain("jetdag_shares 0");
  const gauges = /^jetdag_(active_|queue_|live_|slots)/;
  expect(leading.filter((line) => gauges.test(line))).toHaveLength(8);
  expect(standing.filter((line) => gauges.test(line))).toEqual([]);
});

test("what the documentation says to watch is there", async () => {
  const page = await readFile(new URL("../../docs/operating.md", import.meta.url), "utf8");
  const advice = /### What to watch[\s\S]*?(?=\n## )/.exec(page)?.[0] ?? "";
  const names = new Set([...advice.matchAll(/\b(?:jetdag|nodejs)_[a-z0-9_]+/g)].map(([name]) => name));
  expect(names.size).toBeGreaterThan(8);
  const all = [executorMetrics(() => VIEW, nothing), workerMetrics(() => ({ slots: 1, active: 0 }), nothing)];
  const text = (await Promise.all(all.map((metrics) => metrics.text()))).join("\n");
  expect([...names].filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
});

test("names that definitions choose do not become time series without end", async () => {
  const label = boundedLabel();
  const names = Array.from({ length: 150 }, (_, i) => label(`type-${i}`));
  expect(new Set(names).size).toBe(101);
  expect([names[99], names[100], label("type-3"), label("new")]).toEqual([
    "type-99",
    "other",
    "type-3",
    "other",
  ]);
  const queues = Array.from({ length: 150 }, (_, i) => ({
    queue: `q${i}`,
    depth: 1,
    queued: 1,
    window: 1,
    running: 0,
    workers: 0,
  }));
  const lines = await samplesOf(executorMetrics(() => ({ ...VIEW, queues }), nothing));
  expect(lines).toContain('jetdag_queue_depth{queue="other"} 50');
  expect(lines.filter((line) => line.startsWith("jetdag_queue_depth"))).toHaveLength(101);
});
