/** Looks at a run, and cancels it, from the log alone: no executor is needed for either. */
import type { LoggedFact } from "../core/facts.ts";
import type { RunResult } from "../core/result.ts";
import { RunFold } from "../core/run-fold.ts";
import type { ClusterView } from "../ports/desk.ts";
import type { CancelAnswer } from "./executor.ts";
import { runResult } from "./run-result.ts";
import type { Ports } from "./settings.ts";

type LogPorts = Pick<Ports, "log" | "definitions">;

/** Where a run stands; `undefined` when the log does not know it. `view` tells what runs where, if anybody could be asked. */
export async function inspectRun(
  runId: string,
  ports: LogPorts & Pick<Ports, "blobs" | "clock"> & { readonly view: ClusterView | undefined },
): Promise<RunResult | undefined> {
  const facts = await ports.log.factsOf(runId);
  const run = await foldOf(facts, ports);
  if (run === undefined) return undefined;
  const runningOn = (task: string, attempt: number): string | undefined =>
    ports.view?.held.find((held) => held.runId === runId && held.task === task && held.attempt === attempt)
      ?.workerId;
  return runResult(run, facts, { blobs: ports.blobs, now: ports.clock.now(), runningOn });
}

/** Ends a run before its time. */
export async function cancelRun(runId: string, ports: LogPorts): Promise<CancelAnswer> {
  const run = await foldOf(await ports.log.factsOf(runId), ports);
  if (run === undefined) return "unknown";
  if (run.end !== undefined) return "already-ended";
  await ports.log.append(run, { kind: "cancel", gen: 0, cause: "request", message: "cancelled by request" });
  // The run may have ended while this was on its way: the log's order says which was first.
  const after = await foldOf(await ports.log.factsOf(runId), ports);
  return after?.end === "cancelled" ? "accepted" : "already-ended";
}

async function foldOf(facts: readonly LoggedFact[], { definitions }: LogPorts): Promise<RunFold | undefined> {
  const [first] = facts;
  if (first === undefined || first.fact.kind !== "submitted") return undefined;
  const run = new RunFold(first, first.fact, await definitions.get(first.fact.definition));
  for (const fact of facts) run.apply(fact);
  return run;
}
