/** Why a run stands where it stands: how all attempts ended, and what the unfinished tasks wait for. */
import { attemptKey } from "../core/attempt.ts";
import type { ClusterView } from "../core/cluster-view.ts";
import { messagesOf, tellRun, type ToldRun } from "../core/endings.ts";
import type { RunFold } from "../core/run-fold.ts";
import { type QueueState, type Wait, waitsOf } from "../core/waiting.ts";
import { factsOfRun } from "./load-run.ts";
import type { Ports } from "./settings.ts";

type ExplainPorts = Pick<Ports, "log" | "history" | "definitions" | "queue">;

export interface ExplainedRun extends ToldRun {
  /** Of each unfinished instance by its position, in topological order. */
  readonly waits: ReadonlyMap<number, Wait>;
  /** Log time, in milliseconds since 1970. */
  readonly now: number;
}

/** `undefined` when the run is unknown. `view` is what the executors say, if any answers. */
export async function explainRun(
  runId: string,
  ports: ExplainPorts & { readonly view: ClusterView | undefined },
): Promise<ExplainedRun | undefined> {
  const { log, definitions, view } = ports;
  const facts = await factsOfRun(runId, ports);
  const [first] = facts;
  if (first?.fact.kind !== "submitted") return undefined;
  const told = tellRun(facts, await definitions.get(first.fact.definition));
  if (told === undefined) return undefined;
  const { time: now } = await log.end();
  if (told.run.end !== undefined) return { ...told, waits: new Map(), now };
  const [queued, queues] = await Promise.all([attemptsOf(told.run, ports), queuesOf(told.run, ports)]);
  return {
    ...told,
    waits: waitsOf(told.run, { now, view, queued, queues, messages: messagesOf(told) }),
    now,
  };
}

async function attemptsOf({ runId }: RunFold, { queue }: Pick<Ports, "queue">): Promise<Set<string>> {
  const listed = await queue.list();
  return new Set(listed.filter((attempt) => attempt.runId === runId).map(attemptKey));
}

async function queuesOf(run: RunFold, { queue }: Pick<Ports, "queue">): Promise<Map<string, QueueState>> {
  const names = new Set(run.owed().map(({ instance }) => run.taskOf(instance).queue));
  const states = [...names].map(async (name) => [name, await queue.depth(name)] as const);
  return new Map(await Promise.all(states));
}
