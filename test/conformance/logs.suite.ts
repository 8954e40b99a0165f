/** The logs of attempts. */
import { describe, expect, it } from "vitest";
import type { LogBatch } from "../../internal/core/attempt-log.ts";
import type { AttemptId } from "../../internal/core/attempt.ts";
import type { LogsOf, LogStore } from "../../internal/ports/attempt-logs.ts";
import { until } from "../support/until.ts";
import type { MakeFixture } from "./fixture.ts";

const ATTEMPT = { runId: "run-1", task: "a", index: 0, attempt: 1 };

function batch(text: string, more: Partial<Omit<LogBatch, "attempt">> & Partial<AttemptId> = {}): LogBatch {
  const { runId, task, index, attempt, ...rest } = { ...ATTEMPT, ...more };
  return {
    attempt: { runId, task, index, attempt, runSeq: 7 },
    worker: "w",
    writer: "w-1",
    slot: "h0",
    from: 0,
    bytes: text.length,
    isTail: false,
    pieces: [{ time: 1_000, stream: "stdout", text }],
    ...rest,
  };
}

async function read(logs: LogStore, which: LogsOf): Promise<LogBatch[]> {
  const all: LogBatch[] = [];
  await logs.read(which, (each) => void all.push(each));
  return all;
}

const textsOf = (all: readonly LogBatch[]): string[] =>
  all.map(({ pieces }) => pieces.map(({ text }) => text).join(""));

export function logsSuite(name: string, make: MakeFixture): void {
  describe(`logs: ${name}`, () => {
    it("gives back what was put, as it was", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      const whole = batch("", {
        from: 12,
        bytes: 40,
        isTail: true,
        pieces: [
          { time: 1_000, stream: "stdout", text: "\u001B[31mred\u001B[0m\0\u0007 \uFFFD \u{1F600}\nhalf" },
          { time: 1_001, stream: "stderr", text: "\r\n" },
          { time: 1_001, stream: "log", text: "said\n" },
        ],
      });
      await writer.logs.put(whole);
      expect(await read(reader.logs, { runId: "run-1" })).toEqual([whole]);
      expect(await read(reader.logs, { runId: "run-2" })).toEqual([]);
    });

    it("gives what is asked for, in the order in which it was stored", async () => {
      await using fixture = await make();
      const { logs } = await fixture.open();
      const others = [{ runId: "run-10" }, { task: "b" }, { index: 1 }, { attempt: 2 }, { slot: "h1" }];
      for (const [i, more] of [{}, ...others].entries()) await logs.put(batch(String(i), more));
      const texts = async (which: Partial<AttemptId>): Promise<string> =>
        textsOf(await read(logs, { runId: "run-1", ...which })).join("");
      expect(await texts({})).toBe("02345");
      expect(await texts({ task: "a" })).toBe("0345");
      expect(await texts({ task: "a", index: 0 })).toBe("045");
      expect(await texts({ task: "a", attempt: 1 })).toBe("035");
      expect(await texts({ attempt: 2 })).toBe("4");
      expect(await texts({ task: "a", index: 0, attempt: 1 })).toBe("05");
    });

    it("lets a batch take the place of the one in its slot, and keeps executions apart", async () => {
      await using fixture = await make();
      const { logs } = await fixture.open();
      await logs.put(batch("old"));
      await logs.put(batch("other", { writer: "w-2" }));
      await logs.put(batch("next", { slot: "h1" }));
      await logs.put(batch("new"));
      expect(textsOf(await read(logs, { runId: "run-1" }))).toEqual(["other", "next", "new"]);
      expect(await logs.since()).toSatisfy((time) => time === undefined || typeof time === "number");
    });

    it("hands over what is there and what comes", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      await writer.logs.put(batch("before"));
      const seen: string[] = [];
      const follower = await reader.logs.follow(
        { runId: "run-1" },
        { batch: (each) => void seen.push(...textsOf([each])), caughtUp: () => void seen.push("|") },
      );
      await until(() => seen.includes("|"));
      await writer.logs.put(batch("else", { runId: "run-2" }));
      await writer.logs.put(batch("after", { slot: "h1" }));
      await follower.reached();
      expect(seen.filter((each) => each !== "|")).toEqual(["before", "after"]);
      expect(seen.indexOf("|")).toBe(1);
      await follower.stop();
      await writer.logs.put(batch("late", { slot: "h2" }));
      expect(seen).not.toContain("late");
    });

    it("says at once that there is nothing to catch up with", async () => {
      await using fixture = await make();
      const { logs } = await fixture.open();
      expect(await logs.since()).toBeUndefined();
      let isThere = false;
      const handlers = { batch: () => undefined, caughtUp: () => (isThere = true) };
      const follower = await logs.follow({ runId: "none" }, handlers);
      await until(() => isThere);
      await follower.reached();
      await follower.stop();
      expect(await read(logs, { runId: "none" })).toEqual([]);
    });
  });
}
