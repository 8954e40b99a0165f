/** What workers tell and are told, and how they are probed. */
import { describe, expect, it } from "vitest";
import type { Heartbeat, ProbeAnswer, Took, WorkerCommand } from "../../internal/ports/presence.ts";
import { Collected } from "../support/collected.ts";
import { until } from "../support/until.ts";
import type { MakeFixture } from "./fixture.ts";
import { HEARTBEAT } from "./samples.ts";

export function presenceSuite(name: string, make: MakeFixture): void {
  describe(`presence: ${name}`, () => {
    it("tells every watcher what workers say", async () => {
      await using fixture = await make();
      const [worker, ...watchers] = [await fixture.open(), await fixture.open(), await fixture.open()];
      const heard = await Promise.all(
        watchers.map(async ({ presence }) => {
          const [beats, notices] = [new Collected<Heartbeat>(), new Collected<Took>()];
          await presence.watch({ heartbeat: beats.add, took: notices.add, reconnected: () => undefined });
          return { beats, notices };
        }),
      );
      const took: Took = {
        workerId: "worker-1",
        incarnation: "worker-1-x",
        n: 4,
        attempts: [{ runId: "run-1", task: "a", index: 0, attempt: 1, queue: "default", partition: 7 }],
      };
      const goodbye = { ...HEARTBEAT, held: [], draining: true, goodbye: true };
      worker.presence.heartbeat(HEARTBEAT);
      worker.presence.took(took);
      worker.presence.heartbeat(goodbye);
      for (const { beats, notices } of heard) {
        expect(await beats.reach(2)).toEqual([HEARTBEAT, goodbye]);
        expect(await notices.reach(1)).toEqual([took]);
      }
    });

    it("commands all workers, or one", async () => {
      await using fixture = await make();
      const [executor, first, second] = [await fixture.open(), await fixture.open(), await fixture.open()];
      const [a, b] = [new Collected<WorkerCommand>(), new Collected<WorkerCommand>()];
      await first.presence.onCommand("a", a.add);
      const subscription = await second.presence.onCommand("b", b.add);
      const attempt = { runId: "run-1", task: "a", index: 0, attempt: 1 };
      executor.presence.command({ kind: "stop-attempt", attempt }, "a");
      executor.presence.command({ kind: "stop-run", runId: "run-1", gen: 0 }, "b");
      executor.presence.command({ kind: "report" });
      expect((await a.reach(2)).map(({ kind }) => kind).toSorted()).toEqual(["report", "stop-attempt"]);
      expect((await b.reach(2)).map(({ kind }) => kind).toSorted()).toEqual(["report", "stop-run"]);
      expect(a.items).toContainEqual({ kind: "stop-attempt", attempt });
      expect(b.items).toContainEqual({ kind: "stop-run", runId: "run-1", gen: 0 });
      await subscription.stop();
      executor.presence.command({ kind: "report" });
      await a.reach(3);
      expect(b.items).toHaveLength(2);
    });

    it("is probed: who hears is there, and who has left or never was is gone", async () => {
      await using fixture = await make();
      const [executor, worker] = [await fixture.open(), await fixture.open()];
      const probe = (ms = 20_000): Promise<ProbeAnswer> => executor.presence.probe("worker-1-x", ms);
      expect(await probe()).toEqual({ kind: "gone" });
      const ears = await Promise.all(
        [worker, await fixture.open()].map(({ presence }) =>
          presence.onCommand("worker-1-x", () => undefined),
        ),
      );
      const there = { kind: "there", server: executor.presence.server() };
      expect(there.server).not.toBe("");
      expect(await probe()).toEqual(there);
      await ears[0]?.stop();
      expect(await probe()).toEqual(there);
      await ears[1]?.stop();
      // One that was on its way when nobody listened any more has no answer at all.
      await until(async () => (await probe(1_000)).kind === "gone");
    });

    it("is silent after a stop", async () => {
      await using fixture = await make();
      const [worker, executor] = [await fixture.open(), await fixture.open()];
      const [stopped, other] = [new Collected<Heartbeat>(), new Collected<Heartbeat>()];
      const rest = { took: () => undefined, reconnected: () => undefined };
      const subscription = await executor.presence.watch({ ...rest, heartbeat: stopped.add });
      await executor.presence.watch({ ...rest, heartbeat: other.add });
      worker.presence.heartbeat(HEARTBEAT);
      await stopped.reach(1);
      await subscription.stop();
      worker.presence.heartbeat(HEARTBEAT);
      await other.reach(2);
      expect(stopped.items).toHaveLength(1);
    });
  });
}
