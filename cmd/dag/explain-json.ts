/** What `dag explain --json` prints. */
import type { Ending } from "../../internal/core/endings.ts";
import type { Wait } from "../../internal/core/waiting.ts";
import { groupWaits, waitSentence } from "../../internal/telemetry/waiting-text.ts";
import type { Explanation } from "./explain.ts";
import { noticesOf } from "./explain-text.ts";
import { taskState, voidCounts } from "./explained.ts";

export function runExplainedJson(explained: Explanation): object {
  const { run, waits, endings, now } = explained;
  const { counts } = run.instances;
  return {
    run_id: run.runId,
    dag: run.submitted.dagName,
    state: run.end ?? "running",
    duration_ms: Math.round((run.end === undefined ? now : run.endedAt) - run.begunAt),
    message: run.endMessage === "" ? null : run.endMessage,
    counts: Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0)),
    notices: noticesOf(explained).map((notice) => notice.replace(/^! /, "")),
    waits: groupWaits(waits).map(({ kind, text, positions }) => ({
      reason: kind,
      sentence: text,
      tasks: positions.map((position) => run.task(position).id),
    })),
    void_outcomes: voidCounts(endings),
  };
}

export function taskExplainedJson(explained: Explanation, position: number): object {
  const { run, waits, endings } = explained;
  const { id } = run.task(position);
  const wait = waits.get(position);
  return {
    run_id: run.runId,
    dag: run.submitted.dagName,
    task: id,
    state: taskState(explained, position),
    wait: wait === undefined ? null : waitJson(wait, explained),
    attempts: endings.filter(({ outcome }) => outcome.task === id).map(endingJson),
  };
}

function waitJson(wait: Wait, { run, waits }: Explanation): object {
  const sentence = waitSentence(wait, run, waits);
  switch (wait.kind) {
    case "running":
      return {
        reason: wait.kind,
        sentence,
        worker: wait.worker,
        since_ms: wait.sinceMs,
        timeout_ms: wait.timeoutMs ?? null,
      };
    case "back-off":
      return { reason: wait.kind, sentence, until: isoTime(wait.until), for_ms: Math.round(wait.forMs) };
    case "looking":
      return {
        reason: wait.kind,
        sentence,
        until: isoTime(wait.until),
        for_ms: Math.round(wait.forMs),
        found: wait.found,
      };
    case "upstream":
      return {
        reason: wait.kind,
        sentence,
        tasks: wait.positions.map((each) => ({ task: run.task(each).id, state: run.instances.state(each) })),
      };
    case "queued":
    case "queue-limit":
    case "window":
    case "no-worker":
    case "workers-held-up":
      return { reason: wait.kind, sentence, queue: wait.queue };
    case "max-parallel":
      return { reason: wait.kind, sentence, limit: wait.limit };
    case "no-executor":
    case "server":
    case "turn":
      return { reason: wait.kind, sentence };
  }
}

function endingJson({ outcome, time, gen, void: why }: Ending): object {
  const error = outcome.state === "failed" ? outcome.error : undefined;
  return {
    attempt: outcome.attempt,
    gen,
    worker: outcome.worker ?? null,
    started_at: isoTime(time - outcome.durationMs),
    duration_ms: Math.round(outcome.durationMs),
    outcome: error?.reason ?? outcome.state,
    message: outcome.state === "skipped" ? outcome.message : (error?.message ?? null),
    exit_code: error?.exitCode ?? null,
    signal: error?.signal ?? null,
    void: why ?? null,
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
