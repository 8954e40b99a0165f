/** What workers and executors tell each other without storing it. */
import { z } from "zod";
import type { AttemptId } from "../core/attempt.ts";
import type { ExecutorView } from "../core/cluster-view.ts";
import type { Claim, Heartbeat, Took, WorkerCommand } from "../ports/presence.ts";
import { decode, type Decoded, encode, map } from "./codec.ts";
import { count, duration, version } from "./schemas.ts";

const names = z.array(z.string());
const attempt = z.object({ run_id: z.string(), task: z.string(), index: count, attempt: count });
type WireAttempt = z.output<typeof attempt>;

const claim = attempt.extend({ queue: z.string(), partition: count });
type WireClaim = z.output<typeof claim>;

const heartbeat = z.object({
  v: version,
  worker_id: z.string(),
  incarnation: z.string(),
  host: z.string(),
  pid: count,
  queues: names,
  functions: names,
  server: z.string(),
  slots: count,
  held: z.array(claim.extend({ held_ms: duration })),
  told: count,
  blocked_ms: duration,
  time: z.number(),
  draining: z.boolean(),
  waits: z.string().optional(),
  goodbye: z.boolean(),
});

const took = z.object({
  v: version,
  worker_id: z.string(),
  incarnation: z.string(),
  n: count,
  attempts: z.array(claim),
});

const command = z.discriminatedUnion("kind", [
  z.object({ v: version, kind: z.literal("report") }),
  z.object({ v: version, kind: z.literal("stop-run"), run_id: z.string(), gen: count }),
  z.object({ v: version, kind: z.literal("stop-attempt"), attempt }),
]);

const executor = z.object({
  v: version,
  executor: z.string(),
  executors: count,
  shares: z.array(count),
  workers: z.array(
    z.object({
      worker_id: z.string(),
      host: z.string(),
      pid: count,
      queues: names,
      functions: names,
      slots: count,
      active: count,
      draining: z.boolean(),
      waits: z.string().optional(),
      blocked_ms: duration,
      silent_ms: z.number(),
    }),
  ),
  held: z.array(attempt.extend({ worker_id: z.string(), since_ms: z.number() })),
  queues: z.array(
    z.object({
      queue: z.string(),
      depth: count,
      queued: count,
      window: count,
      running: count,
      workers: count,
    }),
  ),
  active_runs: count,
  waits: z.string().optional(),
});

function toWire({ runId, task, index, attempt: number }: AttemptId): WireAttempt {
  return { run_id: runId, task, index, attempt: number };
}

function fromWire({ run_id: runId, task, index, attempt: number }: WireAttempt): AttemptId {
  return { runId, task, index, attempt: number };
}

// Written out: these are made for every attempt, and an object that is spread costs several times as much.
function claimToWire({ runId, task, index, attempt: number, queue, partition }: Claim): WireClaim {
  return { run_id: runId, task, index, attempt: number, queue, partition };
}

function claimFromWire({ run_id: runId, task, index, attempt: number, queue, partition }: WireClaim): Claim {
  return { runId, task, index, attempt: number, queue, partition };
}

export function encodeHeartbeat({ workerId, blockedMs, held, ...rest }: Heartbeat): Uint8Array {
  return encode({
    v: 1,
    ...rest,
    worker_id: workerId,
    blocked_ms: blockedMs,
    held: held.map((each) => ({ ...claimToWire(each), held_ms: each.heldMs })),
  });
}

export function decodeHeartbeat(bytes: Uint8Array): Decoded<Heartbeat> {
  return map(decode(heartbeat, bytes), ({ v: _v, worker_id: workerId, blocked_ms: blockedMs, ...wire }) => ({
    ...wire,
    workerId,
    blockedMs,
    held: wire.held.map((each) => ({ ...claimFromWire(each), heldMs: each.held_ms })),
  }));
}

export function encodeTook({ workerId, incarnation, n, attempts }: Took): Uint8Array {
  return encode({
    v: 1,
    worker_id: workerId,
    incarnation,
    n,
    attempts: attempts.map(claimToWire),
  });
}

export function decodeTook(bytes: Uint8Array): Decoded<Took> {
  return map(decode(took, bytes), ({ worker_id: workerId, incarnation, n, attempts }) => ({
    workerId,
    incarnation,
    n,
    attempts: attempts.map(claimFromWire),
  }));
}

export function encodeCommand(value: WorkerCommand): Uint8Array {
  switch (value.kind) {
    case "report":
      return encode({ v: 1, kind: "report" });
    case "stop-run":
      return encode({ v: 1, kind: "stop-run", run_id: value.runId, gen: value.gen });
    case "stop-attempt":
      return encode({ v: 1, kind: "stop-attempt", attempt: toWire(value.attempt) });
  }
}

export function decodeCommand(bytes: Uint8Array): Decoded<WorkerCommand> {
  return map(decode(command, bytes), (wire): WorkerCommand => {
    switch (wire.kind) {
      case "report":
        return { kind: "report" };
      case "stop-run":
        return { kind: "stop-run", runId: wire.run_id, gen: wire.gen };
      case "stop-attempt":
        return { kind: "stop-attempt", attempt: fromWire(wire.attempt) };
    }
  });
}

export function encodeExecutor(view: ExecutorView): Uint8Array {
  return encode({
    v: 1,
    executor: view.executor,
    executors: view.executors,
    shares: view.shares,
    queues: view.queues,
    active_runs: view.activeRuns,
    waits: view.waits,
    workers: view.workers.map(({ workerId, blockedMs, silentMs, ...rest }) => ({
      ...rest,
      worker_id: workerId,
      blocked_ms: blockedMs,
      silent_ms: silentMs,
    })),
    held: view.held.map((held) => ({ ...toWire(held), worker_id: held.workerId, since_ms: held.sinceMs })),
  });
}

export function decodeExecutor(bytes: Uint8Array): Decoded<ExecutorView> {
  return map(decode(executor, bytes), ({ v: _v, active_runs: activeRuns, workers, held, ...rest }) => ({
    ...rest,
    activeRuns,
    workers: workers.map(({ worker_id: workerId, blocked_ms: blockedMs, silent_ms: silentMs, ...rest }) => ({
      ...rest,
      workerId,
      blockedMs,
      silentMs,
    })),
    held: held.map((each) => ({ ...fromWire(each), workerId: each.worker_id, sinceMs: each.since_ms })),
  }));
}
