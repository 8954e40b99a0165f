/** What tasks wait for, as sentences. */
import { flagsFor } from "../core/task-types.ts";
import type { Obstacle, Wait } from "../core/waiting.ts";
import { instanceCounts } from "./instance-counts.ts";
import { localTime } from "./local-time.ts";
import { instanceStates, type Observed, taskState } from "./observed-state.ts";
import { counted, oneLine, shortDuration } from "./text.ts";

/** What keeps a run from going on, and what could be done. */
export function obstacleText(obstacle: Obstacle): string {
  switch (obstacle.kind) {
    case "no-executor":
      return "waiting for an executor";
    case "server":
      return `waiting: ${obstacle.why}`;
    case "no-worker":
      return noWorkerText(obstacle);
    case "workers-held-up":
      return `the workers of queue '${obstacle.queue}' take nothing more: ${obstacle.why}`;
  }
}

function noWorkerText({ queue, types, others }: Obstacle & { readonly kind: "no-worker" }): string {
  const { flags, plugIns } = flagsFor(queue, types);
  const more = plugIns.length === 0 ? "" : ` (FILE has ${plugIns.join(", ")})`;
  if (!others) {
    return `waiting for a worker: start one with \`${["worker --nats …", ...flags].join(" ")}\`${more}`;
  }
  const given = flags.length === 0 ? `--queues ${queue}` : flags.join(" ");
  return `queue '${queue}' is waiting for a worker: start one with ${given}${more}`;
}

/** What several tasks wait for alike, as the end of "3 tasks …". */
function waitText(wait: Wait): string {
  switch (wait.kind) {
    case "no-executor":
    case "server":
    case "no-worker":
    case "workers-held-up":
      return obstacleText(wait);
    case "running":
      return "running";
    case "upstream":
      return "waiting for upstream tasks";
    case "back-off":
      return "waiting after a failure";
    case "looking":
      return "looking again";
    case "queued": {
      const { queue, waiting, inFlight } = wait;
      return `waiting in queue '${queue}' for a free worker (${waiting} wait there, ${inFlight} are in flight)`;
    }
    case "queue-limit":
      return `waiting in queue '${wait.queue}', which lets ${wait.limit} be in flight at a time (${wait.waiting} wait there)`;
    case "max-parallel":
      return `waiting for others of the run: max_parallel is ${wait.limit}`;
    case "window": {
      const { queue, window, before } = wait;
      return `waiting for a place in queue '${queue}': ${counted(window, "attempt")} of it are put there at a time, and ${before} wait for that`;
    }
    case "turn":
      return "about to be queued";
  }
}

/** What is different for each of them; nothing for most. */
export function waitDetail(wait: Wait, observed: Observed): string {
  switch (wait.kind) {
    case "running": {
      const { worker, sinceMs, timeoutMs } = wait;
      const limit = timeoutMs === undefined ? "" : ` of ${shortDuration(timeoutMs)} at most`;
      return `on ${worker} for ${shortDuration(sinceMs)}${limit}`;
    }
    case "back-off":
      return `until ${localTime(wait.until)}, in ${shortDuration(wait.forMs)}`;
    case "looking":
      return `in ${shortDuration(wait.forMs)}: ${oneLine(wait.found)}`;
    case "upstream":
      return some(
        wait.positions.map((each) => `${observed.run.task(each).id} (${standingText(each, observed)})`),
      );
    default:
      return "";
  }
}

/** The whole of it, for one task. */
export function waitSentence(wait: Wait, observed: Observed): string {
  const detail = waitDetail(wait, observed);
  if (detail === "") return waitText(wait);
  return `${waitText(wait)}${wait.kind === "upstream" ? ":" : ""} ${detail}`;
}

/** In a word or two: who waits for it may want to look there next. */
function standingText(position: number, observed: Observed): string {
  const { run, waits } = observed;
  if (run.instances.countOf(position) > 1) return instanceCounts(instanceStates(observed, position));
  return waits.get(position)?.kind === "no-worker" ? "without a worker" : taskState(observed, position);
}

const SHOWN = 5;

/** Of many the first. */
export function some(items: readonly string[], shown = SHOWN): string {
  const more = items.length - shown;
  return more > 0 ? `${items.slice(0, shown).join(", ")} … and ${more} more` : items.join(", ");
}

export interface WaitGroup {
  readonly kind: Wait["kind"];
  readonly text: string;
  /** By their numbers. */
  readonly instances: readonly number[];
}

/** Those that wait for the same, together: what runs first, what only waits for others last. */
export function groupWaits(waits: ReadonlyMap<number, Wait>): WaitGroup[] {
  const groups = new Map<string, { kind: Wait["kind"]; text: string; instances: number[] }>();
  for (const [instance, wait] of waits) {
    const text = waitText(wait);
    const known = groups.get(text);
    if (known === undefined) groups.set(text, { kind: wait.kind, text, instances: [instance] });
    else known.instances.push(instance);
  }
  const rank = ({ kind }: WaitGroup): number => (kind === "running" ? 0 : kind === "upstream" ? 2 : 1);
  return [...groups.values()].toSorted((a, b) => rank(a) - rank(b));
}
