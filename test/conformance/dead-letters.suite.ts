/** What every implementation of the dead letters promises. */
import { describe, expect, it } from "vitest";
import type { CrashedLetter, UnreadableLetter } from "../../internal/ports/dead-letters.ts";
import type { MakeFixture } from "./fixture.ts";
import { noise } from "./samples.ts";

const CRASHED: CrashedLetter = {
  kind: "crashed",
  runId: "run-1",
  dagName: "etl",
  task: "load",
  index: 0,
  gen: 1,
  losses: [
    { attempt: 3, worker: "w1", time: 1_700_000_000_000, durationMs: 12.5, message: "worker 'w1' is dead" },
    { attempt: 4, time: 1_700_000_009_000, durationMs: 0, message: "worker 'w2' is dead" },
  ],
};

function unreadable(n: number): UnreadableLetter {
  return {
    kind: "unreadable",
    subject: `jetdag.strange.${n}`,
    reason: `not JSON: token ${n}`,
    bytes: noise(n, n),
  };
}

export function deadLettersSuite(name: string, make: MakeFixture): void {
  describe(`dead letters: ${name}`, () => {
    it("lists the newest first, and gives back the bytes as they came", async () => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      expect(await reader.deadLetters.list(10)).toEqual([]);
      for (let n = 0; n < 30; n++) await writer.deadLetters.put(unreadable(n));
      const newest = await reader.deadLetters.list(5);
      expect(newest.map(({ reason }) => reason)).toEqual(
        [29, 28, 27, 26, 25].map((n) => `not JSON: token ${n}`),
      );
      expect(newest[0]).toMatchObject({ kind: "unreadable", subject: "jetdag.strange.29", size: 29 });
      const all = await reader.deadLetters.list(100);
      const letters = await Promise.all(all.map(({ id }) => reader.deadLetters.get(id)));
      expect(letters.map((stored) => stored?.letter)).toEqual(
        Array.from({ length: 30 }, (_, n) => unreadable(29 - n)),
      );
      expect(letters.map((stored) => stored?.head)).toEqual(all);
      expect(await reader.deadLetters.list(0)).toEqual([]);
      expect(await reader.deadLetters.get("0123456789abcdef")).toBeUndefined();
    });

    it("lists the newest of those that are meant, however many others there are", async () => {
      await using fixture = await make();
      const { deadLetters } = await fixture.open();
      await deadLetters.put(CRASHED);
      for (let n = 0; n < 30; n++) await deadLetters.put(unreadable(n));
      const found = await deadLetters.list(1, ({ runId }) => runId === "run-1");
      expect(found).toMatchObject([
        { kind: "crashed", task: "load", index: 0, losses: 2, reason: "worker 'w2' is dead" },
      ]);
      expect(await deadLetters.list(9, () => false)).toEqual([]);
    });

    it("keeps what is known of a crashed task", async () => {
      await using fixture = await make();
      const { deadLetters } = await fixture.open();
      await deadLetters.put(CRASHED);
      const [head] = await deadLetters.list(1);
      expect(await deadLetters.get(head?.id ?? "")).toEqual({ head, letter: CRASHED });
    });

    it("takes what comes again for the same letter, now the newest", async () => {
      await using fixture = await make();
      const { deadLetters } = await fixture.open();
      for (const letter of [CRASHED, unreadable(1), unreadable(2)]) await deadLetters.put(letter);
      const before = await deadLetters.list(9);
      await deadLetters.put(unreadable(1));
      await deadLetters.put({ ...CRASHED, gen: 2 });
      await deadLetters.put(CRASHED);
      const after = await deadLetters.list(9);
      expect(after).toHaveLength(4);
      expect(after[0]?.id).toBe(before[2]?.id);
      expect(after[2]?.id).toBe(before[1]?.id);
      expect(after.map(({ seq }) => seq)).toEqual(after.map(({ seq }) => seq).toSorted((a, b) => b - a));
    });

    it("throws a letter away, but not the same one that came again", async () => {
      await using fixture = await make();
      const { deadLetters } = await fixture.open();
      await deadLetters.put(unreadable(1));
      const [old] = await deadLetters.list(1);
      await deadLetters.put(unreadable(1));
      if (old === undefined) throw new Error("no letter");
      expect(await deadLetters.remove(old)).toBe(false);
      const [head] = await deadLetters.list(1);
      if (head === undefined) throw new Error("no letter");
      expect(await deadLetters.remove(head)).toBe(true);
      expect(await deadLetters.remove(head)).toBe(false);
      expect(await deadLetters.list(1)).toEqual([]);
      expect(await deadLetters.get(head.id)).toBeUndefined();
    });
  });
}
