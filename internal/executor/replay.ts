/** Has another try at what a dead letter is about. */
import type { QueuedAttempt } from "../ports/task-queue.ts";
import type { DeadLetters, Originals, StoredLetter } from "../ports/dead-letters.ts";
import { BadInput } from "./executor.ts";
import { prepareRetry } from "./inspection.ts";
import { foldOf, logOfRun } from "./load-run.ts";
import type { Ports } from "./settings.ts";

export type ReplayPorts = Pick<Ports, "log" | "definitions"> & {
  readonly deadLetters: Pick<DeadLetters, "remove">;
  readonly originals: Originals;
};

/**
 * sent: the message is where it was, and comes back as a letter if it still cannot be read. queued: the queue has had
 * the attempt again already. readable: it is in the log, and can be read now. retried: the run's task runs again.
 */
export type Replayed = "sent" | "queued" | "readable" | "retried";

/** The letter is gone then. Rejects with `BadInput` when there is nothing to try; the letter stays. */
export async function replayLetter(stored: StoredLetter, ports: ReplayPorts): Promise<Replayed> {
  const { head, letter } = stored;
  const answer =
    letter.kind === "crashed" ? await retryTask(letter, ports) : await sendMessage(stored, ports);
  // By its position: a letter that has come back already stays.
  await ports.deadLetters.remove(head);
  return answer;
}

async function retryTask(
  { runId, task }: { readonly runId: string; readonly task: string },
  ports: ReplayPorts,
): Promise<Replayed> {
  const retry = await prepareRetry(runId, [task], ports);
  await retry.admit();
  return "retried";
}

async function sendMessage(stored: StoredLetter, ports: ReplayPorts): Promise<Replayed> {
  const { head } = stored;
  if (head.kind === "unreadable" && head.attempt !== undefined) await refuseOver(head.attempt, ports);
  const answer = await ports.originals.sendAgain(stored);
  switch (answer) {
    case "sent":
    case "queued":
    case "readable":
      return answer;
    case "held":
      throw new BadInput(
        "the log still holds this message, and this version cannot read it: once there is one that can, its executor reads it there when it starts",
      );
    case "out-of-date":
      throw new BadInput("a notice that nobody stores is out of date by now: there is nothing to send again");
    case "cut":
      throw new BadInput(
        "only the beginning of this message was kept, so that it cannot be sent again as it was",
      );
  }
}

/** A worker that can read it would run it, and nothing may start after its end. */
async function refuseOver(
  { runId, task, attempt }: QueuedAttempt,
  ports: Pick<Ports, "log" | "definitions">,
): Promise<void> {
  const run = await foldOf(await logOfRun(runId, ports), ports);
  const position = run?.graph.position(task);
  if (run !== undefined && position !== undefined && run.isCurrent(position, attempt)) return;
  const why = run === undefined ? `run '${runId}' is not known` : "it is over, or another one took its place";
  throw new BadInput(`nobody waits for attempt ${attempt} of task '${task}': ${why}`);
}
