/** Which tasks a retry runs again, by the ids that they had. */
import { attemptKey } from "../core/attempt.ts";
import type { Change } from "../core/change.ts";
import { runsAgain } from "../core/rerun.ts";
import type { RunFold } from "../core/run-fold.ts";

/** By instance: the id of its last task, of nodes that keep what has completed; of a run that has ended. */
export function idsToRunAgain(run: RunFold): ReadonlyMap<number, string> {
  const instances = runsAgain(run, []).flatMap((each) => each.instances ?? []);
  return new Map(
    instances.map((instance) => [instance, idOf(run, instance, run.instances.attempt(instance))]),
  );
}

/** What the retry came to: the new ids by the old ones. */
export function newIds(
  run: RunFold,
  { owed }: Change,
  before: ReadonlyMap<number, string>,
): ReadonlyMap<string, string> {
  return new Map(
    owed.flatMap(({ instance, attempt }) => {
      const id = before.get(instance);
      return id === undefined ? [] : [[id, idOf(run, instance, attempt)]];
    }),
  );
}

function idOf(run: RunFold, instance: number, attempt: number): string {
  return attemptKey(run.idOf({ instance, attempt }));
}
