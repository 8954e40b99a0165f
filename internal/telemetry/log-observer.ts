/** Makes log lines of observations: info once a transition, debug for each attempt. */
import type { AttemptId } from "../core/attempt.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Observation, Observer } from "../ports/observer.ts";
import type { Logger } from "./logger.ts";

/** Each of them hears everything. */
export function tellAll(observers: readonly Observer[]): Observer {
  return {
    observe: (observation) => {
      for (const observer of observers) observer.observe(observation);
    },
  };
}

export function logObserver(logger: Logger): Observer {
  return {
    observe: (observation) => {
      // There are several of each attempt: nothing is made of them that is not written.
      if (!isDetail(observation) || logger.isLevelEnabled("debug")) log(logger, observation);
    },
  };
}

/** It is told at level debug. */
function isDetail(observation: Observation): boolean {
  switch (observation.kind) {
    case "attempt-queued":
    case "attempt-started":
    case "execution-started":
    case "copy-judged":
    case "attempt-printed":
      return true;
    case "attempt-ended":
    case "execution-ended":
      return isAsPlanned(observation.outcome);
    default:
      return false;
  }
}

function log(logger: Logger, observation: Observation): void {
  switch (observation.kind) {
    case "run-submitted":
      logger.info(
        { run_id: observation.runId, dag: observation.dagName, tasks: observation.tasks },
        "run submitted",
      );
      return;
    case "run-retried":
      logger.info(
        {
          run_id: observation.runId,
          dag: observation.dagName,
          tasks: observation.tasks,
          gen: observation.gen,
        },
        "run retried",
      );
      return;
    case "run-finished":
      logger.info(
        {
          run_id: observation.runId,
          state: observation.state,
          duration_ms: Math.round(observation.durationMs),
        },
        "run finished",
      );
      return;
    case "run-advanced":
      // For who draws it: the ends of attempts say the same.
      return;
    case "attempt-queued":
      logger.debug({ ...named(observation.attempt), queue: observation.queue }, "attempt queued");
      return;
    case "attempt-started":
      logger.debug({ ...named(observation.attempt), worker_id: observation.workerId }, "attempt taken");
      return;
    case "execution-started":
      logger.debug({ ...named(observation.attempt), type: observation.type }, "attempt started");
      return;
    case "copy-judged":
      logger.debug({ ...named(observation.attempt), judgement: observation.judgement }, "copy judged");
      return;
    case "attempt-printed":
      logger.debug(
        { ...named(observation.attempt), bytes: observation.bytes, dropped: observation.dropped },
        "attempt printed",
      );
      return;
    case "attempt-ended":
    case "execution-ended":
      logEnd(logger, observation);
      return;
    case "task-logged":
      logger.info({ ...named(observation.attempt), line: observation.line }, "task logged");
      return;
    case "outcome-void":
      logger.info(
        {
          ...named({ runId: observation.runId, ...observation.outcome }),
          worker_id: observation.outcome.worker,
          reason: observation.why,
        },
        "outcome void",
      );
      return;
    case "runs-retired":
      logger.info({ runs: observation.runs, facts: observation.facts }, "runs retired");
      return;
    case "history-dropped":
      logger.info({ runs: observation.runs }, "history dropped");
      return;
    case "worker-joined":
      logger.info({ worker_id: observation.workerId, slots: observation.slots }, "worker joined");
      return;
    case "worker-left":
      logger.info({ worker_id: observation.workerId }, "worker left");
      return;
    case "worker-dead":
      logger.warn(
        { worker_id: observation.workerId, held: observation.held, sign: observation.sign },
        "worker declared dead",
      );
      return;
    case "worker-blocked":
      logger.warn(
        { worker_id: observation.workerId, blocked_ms: Math.round(observation.ms) },
        "worker blocked by what it runs",
      );
      return;
    case "loop-blocked":
      logger.warn({ blocked_ms: observation.ms }, "loop was blocked");
      return;
    case "lease-taken":
      logger.info({ owner: observation.owner, shares: observation.shares }, "lease taken");
      return;
    case "lease-lost":
      logger.warn({ owner: observation.owner, shares: observation.shares }, "lease lost");
      return;
    case "lease-released":
      logger.info({ owner: observation.owner, shares: observation.shares }, "lease given back");
      return;
    case "task-crashed":
      logger.warn(
        { run_id: observation.runId, task_id: observation.task, index: observation.index },
        "task crashed",
      );
      return;
    case "dead-letter":
      logger.warn({ subject: observation.subject, reason: observation.reason }, "message put aside");
      return;
    case "trouble":
      logger.warn({ what: observation.what, error: observation.error || undefined }, "trouble met");
  }
}

/** A task may look again for a day. */
function isAsPlanned(outcome: Outcome): boolean {
  return outcome.state !== "failed" || outcome.error.reason === "not-yet";
}

function logEnd(
  logger: Logger,
  observation: Observation & { kind: "attempt-ended" | "execution-ended" },
): void {
  const { runId, type, outcome } = observation;
  const fields = {
    ...named({ runId, ...outcome }),
    type,
    worker_id: outcome.worker,
    duration_ms: outcome.durationMs,
  };
  if (outcome.state !== "failed") {
    logger.debug(fields, `attempt ${outcome.state}`);
    return;
  }
  const { reason, message } = outcome.error;
  if (isAsPlanned(outcome)) {
    logger.debug({ ...fields, reason, message }, "attempt looked in vain");
    return;
  }
  const retry = observation.kind === "attempt-ended" ? { retry_in_ms: observation.retryInMs } : {};
  logger.info({ ...fields, reason, message, ...retry }, "attempt failed");
}

function named({ runId, task, index, attempt }: AttemptId): Record<string, unknown> {
  return { run_id: runId, task_id: task, index, attempt };
}
