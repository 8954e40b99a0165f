/** The runs that the log knows, newest first, without reading more of the log than is needed. */
import type { Finished, LoggedFact, Retired, RunState } from "../core/facts.ts";
import type { Ports } from "./settings.ts";
import { foldOf } from "./load-run.ts";

export interface RunFilter {
  readonly dag?: string;
  readonly tenantId?: string;
  readonly state?: RunState;
  /** Only runs that were submitted then or later; milliseconds since 1970. */
  readonly since?: number;
  readonly limit: number;
}

export interface RunSummary {
  readonly runId: string;
  readonly dag: string;
  readonly tenantId: string;
  readonly state: RunState;
  /** Milliseconds since 1970. */
  readonly submittedAt: number;
  /** From the submission, or the newest retry, to the end, or until now. */
  readonly durationMs: number;
}

type ListPorts = Pick<Ports, "log" | "definitions" | "clock">;

/** How far back the first look goes, in positions of the log; each further look goes further by this factor. */
const FIRST_LOOK = 2_000;
const FACTOR = 8;

interface Candidate {
  readonly submitted: LoggedFact;
  /** How the newest generation has ended, if that was announced. */
  finished: Finished | Retired | undefined;
}

export async function listRuns(filter: RunFilter, ports: ListPorts): Promise<RunSummary[]> {
  const { seq: end } = await ports.log.end();
  /** The newest part at the end. */
  const parts: LoggedFact[][] = [];
  for (let from = end + 1, depth = FIRST_LOOK; ; depth *= FACTOR) {
    const before = from - 1;
    from = Math.max(1, end - depth + 1);
    parts.unshift(await ports.log.milestones(from, before));
    const facts = parts.flat();
    const runs = await matching(candidatesOf(facts), filter, ports);
    const isBeforeSince = filter.since !== undefined && (facts[0]?.time ?? 0) < filter.since;
    if (runs.length >= filter.limit || from === 1 || isBeforeSince) return runs;
  }
}

/** Newest first. A run whose submission lies before the part that was read is left to the next look. */
function candidatesOf(facts: readonly LoggedFact[]): Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const logged of facts) {
    const { runId, fact } = logged;
    const known = candidates.get(runId);
    if (fact.kind === "submitted") candidates.set(runId, { submitted: logged, finished: undefined });
    else if (known !== undefined) {
      known.finished = fact.kind === "finished" || fact.kind === "retired" ? fact : undefined;
    }
  }
  return [...candidates.values()].toReversed();
}

async function matching(
  candidates: readonly Candidate[],
  filter: RunFilter,
  ports: ListPorts,
): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  for (const candidate of candidates) {
    if (runs.length >= filter.limit) break;
    if (!mayMatch(candidate, filter)) continue;
    const run = await summarize(candidate, ports);
    if (run !== undefined && (filter.state === undefined || run.state === filter.state)) runs.push(run);
  }
  return runs;
}

function mayMatch({ submitted, finished }: Candidate, { dag, tenantId, state, since }: RunFilter): boolean {
  const { fact } = submitted;
  if (fact.kind !== "submitted") return false;
  if (dag !== undefined && fact.dagName !== dag) return false;
  if (tenantId !== undefined && fact.tenantId !== tenantId) return false;
  if (since !== undefined && submitted.time < since) return false;
  return state === undefined || finished === undefined || finished.state === state;
}

/** A run whose end is not announced is folded: it goes on, or has just ended, or waits for an executor. */
async function summarize(
  { submitted, finished }: Candidate,
  ports: ListPorts,
): Promise<RunSummary | undefined> {
  const { runId, time: submittedAt, fact } = submitted;
  if (fact.kind !== "submitted") return undefined;
  const run = { runId, dag: fact.dagName, tenantId: fact.tenantId, submittedAt };
  if (finished !== undefined) return { ...run, state: finished.state, durationMs: finished.durationMs };
  const fold = await foldOf(await ports.log.factsOf(runId), ports);
  if (fold === undefined) return undefined;
  const until = fold.end === undefined ? ports.clock.now() : fold.endedAt;
  return { ...run, state: fold.end ?? "running", durationMs: Math.max(0, until - fold.begunAt) };
}
