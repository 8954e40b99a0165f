/** The values of a run stay as long as anybody may want them, and go with its history. */
import { readRecordSubject } from "../../../internal/contract/subjects.ts";
import type { World } from "../engine/world.ts";
import type { SimServer } from "../server/server.ts";
import type { Stored } from "../server/stream.ts";
import type { Truth } from "./truth.ts";

interface Watched {
  readonly world: World;
  readonly server: SimServer;
  readonly truth: Truth;
}

export function watchValues({ world, server, truth }: Watched): void {
  /** By run: when its values were removed last. */
  const removedAt = new Map<string, number>();
  const { blobs, history } = server;
  blobs.listen({
    removed: ({ subject }) => {
      const runId = runOf(subject);
      removedAt.set(runId, world.now);
      if (truth.run(runId)?.retired === false)
        world.fail("values stay while their run may go on", `${subject} is gone`);
    },
  });
  // A record that is put anew is there again at once.
  history.listen({ removed: (record) => void world.after(0, "", () => gone(record)) });

  function gone({ subject }: Stored): void {
    const key = readRecordSubject(subject);
    const run = key === undefined ? undefined : truth.run(key.runId);
    if (history.of(subject) !== undefined || run === undefined || !run.retired) return;
    if (key?.seq !== run.seq || truth.wasRewound) return;
    const since = removedAt.get(run.runId) ?? world.now;
    // Who was held up for so long that all of it was gone may have stored more.
    const left = [...blobs.messages].find((each) => runOf(each.subject) === run.runId && each.at <= since);
    if (left !== undefined) world.fail("values go with the history", `${left.subject} is left`);
  }
}

/** Of the subject of a value that belongs to a run. */
function runOf(subject: string): string {
  const [, , owner, runId = ""] = subject.split(".");
  return owner === "run" ? runId : "";
}
