/** Makes metrics for Prometheus: counters of observations, gauges of what the services say of themselves. */
import { collectDefaultMetrics, Registry } from "prom-client";
import type { RunEndState } from "../core/facts.ts";
import { type Outcome, VOID_REASONS } from "../core/outcome.ts";
import type { ExecutorView, QueueView } from "../core/cluster-view.ts";
import type { Observation, Observer } from "../ports/observer.ts";
import { boundedLabel, Instruments } from "./instruments.ts";
import type { COMMON, OF_EXECUTOR, OF_WORKER } from "./metric-list.ts";

export interface Metrics extends Observer {
  /** Of the text, as an HTTP header has it. */
  readonly contentType: string;
  /** All values now, in the text form of Prometheus. */
  text(): Promise<string>;
}

export interface WorkerLoad {
  readonly slots: number;
  readonly active: number;
}

const END_STATES = ["completed", "failed", "crashed", "cancelled"] satisfies RunEndState[];

/** `why` tells why what the process writes has to wait, if it has. */
export function workerMetrics(load: () => WorkerLoad, why: () => string | undefined): Metrics {
  const registry = new Registry();
  const instruments = new Instruments<typeof OF_WORKER>(registry);
  instruments.gauge("jetdag_worker_slots", () => load().slots);
  instruments.gauge("jetdag_worker_active_attempts", () => load().active);
  const count = countAttempts(
    instruments.counter("jetdag_worker_attempts_total"),
    instruments.histogram("jetdag_worker_attempt_duration_seconds"),
  );
  const printed = instruments.counter("jetdag_worker_log_bytes_total");
  const dropped = instruments.counter("jetdag_worker_log_dropped_bytes_total");
  return exposed(registry, {
    why,
    observe: (observation) => {
      if (observation.kind === "execution-ended") count(observation);
      if (observation.kind !== "attempt-printed") return;
      printed.inc(observation.bytes);
      dropped.inc(observation.dropped);
    },
  });
}

/** `look` tells what this executor drives, and nothing while it drives nothing. */
export function executorMetrics(
  look: () => ExecutorView | undefined,
  why: () => string | undefined,
): Metrics {
  const registry = new Registry();
  const instruments = new Instruments<typeof OF_EXECUTOR>(registry);
  // One look for all gauges: it goes over everything that workers hold.
  let view: ExecutorView | undefined;
  gaugeCluster(instruments, () => view);
  const submitted = instruments.counter("jetdag_runs_submitted_total");
  const retried = instruments.counter("jetdag_runs_retried_total");
  const ended = instruments.counter("jetdag_runs_ended_total");
  const durations = instruments.histogram("jetdag_run_duration_seconds");
  const retired = instruments.counter("jetdag_runs_retired_total");
  const voids = instruments.counter("jetdag_void_outcomes_total");
  const lost = instruments.counter("jetdag_workers_lost_total");
  const count = countAttempts(
    instruments.counter("jetdag_attempts_total"),
    instruments.histogram("jetdag_attempt_duration_seconds"),
  );
  // A rate can be taken from the first one on only if there was a 0 before it.
  for (const state of END_STATES) ended.inc({ state }, 0);
  for (const reason of VOID_REASONS) voids.inc({ reason }, 0);
  const observe = (observation: Observation): void => {
    switch (observation.kind) {
      case "run-submitted":
        submitted.inc();
        return;
      case "run-retried":
        retried.inc();
        return;
      case "run-finished":
        ended.inc({ state: observation.state });
        durations.observe({ state: observation.state }, observation.durationMs / 1_000);
        return;
      case "runs-retired":
        retired.inc(observation.runs);
        return;
      case "attempt-ended":
        count(observation);
        return;
      case "outcome-void":
        voids.inc({ reason: observation.why });
        return;
      case "worker-dead":
        lost.inc();
        return;
      default:
    }
  };
  return exposed(registry, {
    why,
    observe,
    beforeText: () => {
      view = look();
    },
  });
}

function gaugeCluster(
  instruments: Instruments<typeof OF_EXECUTOR>,
  view: () => ExecutorView | undefined,
): void {
  instruments.gauge("jetdag_shares", () => view()?.shares.length ?? 0);
  instruments.gauge("jetdag_active_runs", () => view()?.activeRuns);
  instruments.gauge("jetdag_active_attempts", () => view()?.held.length);
  instruments.gauge("jetdag_live_workers", () => view()?.workers.length);
  instruments.gauge("jetdag_slots", () =>
    view()?.workers.reduce((sum, { slots, draining }) => sum + (draining ? 0 : slots), 0),
  );
  const queues = (value: (queue: QueueView) => number) => (): [string, number][] =>
    (view()?.queues ?? []).map((queue) => [queue.queue, value(queue)]);
  instruments.gauges(
    "jetdag_queue_depth",
    queues(({ depth, running }) => Math.max(0, depth - running)),
  );
  instruments.gauges(
    "jetdag_queue_workers",
    queues(({ workers }) => workers),
  );
}

function countAttempts(
  counter: { inc(labels: Record<string, string>): void },
  histogram: { observe(labels: Record<string, string>, value: number): void },
): (ended: { readonly type: string; readonly outcome: Outcome }) => void {
  const typeLabel = boundedLabel();
  return ({ type: name, outcome }) => {
    const type = typeLabel(name);
    counter.inc({ type, outcome: outcome.state === "failed" ? outcome.error.reason : outcome.state });
    histogram.observe({ type }, outcome.durationMs / 1_000);
  };
}

/** Adds what both services and every process have. */
function exposed(
  registry: Registry,
  {
    observe,
    beforeText,
    why,
  }: Observer & { readonly beforeText?: () => void; readonly why: () => string | undefined },
): Metrics {
  collectDefaultMetrics({ register: registry });
  const instruments = new Instruments<typeof COMMON>(registry);
  instruments.gauge("jetdag_writes_held_up", () => (why() === undefined ? 0 : 1));
  const letters = instruments.counter("jetdag_dead_letters_total");
  for (const kind of ["unreadable", "crashed"]) letters.inc({ kind }, 0);
  const troubles = instruments.counter("jetdag_troubles_total");
  return {
    contentType: registry.contentType,
    text: () => {
      beforeText?.();
      return registry.metrics();
    },
    observe: (observation) => {
      if (observation.kind === "dead-letter") letters.inc({ kind: "unreadable" });
      else if (observation.kind === "task-crashed") letters.inc({ kind: "crashed" });
      else if (observation.kind === "trouble") troubles.inc();
      else observe(observation);
    },
  };
}
