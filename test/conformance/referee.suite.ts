/** Questions about copies of attempts, and their answers. */
import { describe, expect, it } from "vitest";
import type { AttemptOfRun } from "../../internal/core/attempt.ts";
import type { Question } from "../../internal/ports/referee.ts";
import { Collected } from "../support/collected.ts";
import { until } from "../support/until.ts";
import type { MakeFixture } from "./fixture.ts";

export function refereeSuite(name: string, make: MakeFixture): void {
  const doubtful = (task: string, runSeq: number): AttemptOfRun => ({
    runId: "run-1",
    task,
    index: 0,
    attempt: 2,
    runSeq,
  });
  const question = { incarnation: "w-1", attempts: [doubtful("a", 7), doubtful("b", 8), doubtful("c", 9)] };

  describe(`referee: ${name}`, () => {
    it("answers in the order asked, and for its share alone, while somebody serves", async () => {
      await using fixture = await make();
      const [executor, asker] = [await fixture.open(), await fixture.open()];
      expect(await asker.referee.ask(3, question, 20_000)).toBeUndefined();
      const asked = new Collected<Question>();
      const serving = await executor.referee.serve(3, async (each) => {
        asked.add(each);
        return ["run", "held", "over"];
      });
      expect(await asker.referee.ask(3, question, 20_000)).toEqual(["run", "held", "over"]);
      expect(asked.items).toEqual([question]);
      expect(await asker.referee.ask(4, question, 20_000)).toBeUndefined();
      await serving.stop();
      await until(async () => (await asker.referee.ask(3, question, 20_000)) === undefined);
    });

    it("takes a rejection for no answer, at once", async () => {
      await using fixture = await make();
      const [executor, asker] = [await fixture.open(), await fixture.open()];
      await executor.referee.serve(0, () => Promise.reject(new Error("not mine any more")));
      expect(await asker.referee.ask(0, question, 600_000)).toBeUndefined();
    });
  });
}
