/** Do batches become lines again, in order, and does what is missing show itself? */
import { describe, expect, test } from "vitest";
import type { LogBatch, LogEntry, LogPiece } from "../../internal/core/attempt-log.ts";
import { LogLines } from "../../internal/core/log-lines.ts";
import { LogMerge } from "../../internal/core/log-merge.ts";
import { LogSlots, MAX_BATCH } from "../../internal/core/log-slots.ts";

function batch(from: number, pieces: readonly LogPiece[], more: Partial<LogBatch> = {}): LogBatch {
  return {
    attempt: { runId: "r", task: "a", index: 0, attempt: 1, runSeq: 1 },
    worker: "w",
    writer: "w-1",
    slot: `h${from}`,
    from,
    bytes: pieces.reduce((sum, { text }) => sum + text.length, 0),
    isTail: false,
    pieces,
    ...more,
  };
}

const out = (text: string, time = 1): LogPiece => ({ time, stream: "stdout", text });
const err = (text: string, time = 1): LogPiece => ({ time, stream: "stderr", text });

function shown(entries: readonly LogEntry[]): string[] {
  return entries.map((each) =>
    each.kind === "gap"
      ? `[${each.bytes} ${each.why}]`
      : `${each.stream}:${each.text}${each.isOpen ? "…" : ""}`,
  );
}

describe("lines", () => {
  test("go on over pieces and batches, each stream for itself; and have the time of their begin", () => {
    const lines = new LogLines();
    expect(shown(lines.take(batch(0, [out("one\ntw"), err("ba"), out("o\n", 2)])))).toEqual([
      "stdout:one",
      "stdout:two",
    ]);
    const [bad] = lines.take(batch(10, [err("d\n\n", 3)]));
    expect(bad).toMatchObject({ text: "bad", time: 1 });
    expect(lines.openLines()).toEqual([]);
  });

  test("that have no end are handed over once, and go on as lines of their own", () => {
    const lines = new LogLines();
    lines.take(batch(0, [out("half", 5), err("other", 9)]));
    expect(shown(lines.openLines(9))).toEqual(["stdout:half…"]);
    expect(shown(lines.openLines())).toEqual(["stderr:other…"]);
    expect(lines.openLines()).toEqual([]);
    expect(shown(lines.take(batch(9, [out(" line\n")])))).toEqual(["stdout: line"]);
  });

  test("what is missing is told once, ends open lines, and tells why", () => {
    const lines = new LogLines();
    lines.take(batch(0, [out("half")]));
    expect(shown(lines.take(batch(100, [out("b\n")])))).toEqual(["stdout:half…", "[96 missing]", "stdout:b"]);
    expect(shown(lines.take(batch(200, [out("c\n")], { isTail: true })))).toEqual(["[98 limit]", "stdout:c"]);
    expect(shown(lines.take(batch(202, [out("d\n")], { isTail: true })))).toEqual(["stdout:d"]);
  });

  test("what comes twice is taken once, also late", () => {
    const lines = new LogLines();
    const [a, b, c] = [batch(0, [out("a\n")]), batch(2, [out("b\n")]), batch(4, [out("c\n")])];
    expect(shown([a, c, b, a, c].flatMap((each) => lines.take(each)))).toEqual([
      "stdout:a",
      "[2 missing]",
      "stdout:c",
      "stdout:b",
    ]);
  });

  test("executions are kept apart", () => {
    const lines = new LogLines();
    lines.take(batch(0, [out("ha")]));
    expect(shown(lines.take(batch(0, [out("lf\n")], { writer: "w-2" })))).toEqual(["stdout:lf"]);
  });
});

describe("the order of time", () => {
  const times = (entries: readonly LogEntry[]): number[] => entries.map(({ time }) => time);

  test("goes over tasks; of one execution the order of its bytes counts", () => {
    const merge = new LogMerge(new LogLines());
    merge.take(batch(4, [out("b\n", 3), out("no end", 7)]));
    merge.take(batch(0, [out("x\n", 2), out("y\n", 9)], { writer: "other" }));
    merge.take(batch(0, [out("aa\n", 1), out("\n", 3)]));
    const entries = merge.end();
    expect(times(entries)).toEqual([1, 2, 3, 3, 7, 9]);
    expect(shown(entries)).toEqual(["aa", "x", "", "b", "no end…", "y"].map((text) => `stdout:${text}`));
  });

  test("what is more than is looked at together comes in parts, and in order all the same", () => {
    const merge = new LogMerge(new LogLines(), 1_000);
    const seen: LogEntry[] = [];
    let most = 0;
    for (let i = 0; i < 2_000; i++) {
      const writer = `w-${i % 3}`;
      // One of them is stored a little late.
      const time = i * 100 - (i % 3 === 0 ? 2_000 : 0);
      const part = merge.take(batch(10 * Math.floor(i / 3), [out("123456789\n", time)], { writer }));
      most = Math.max(most, part.length);
      seen.push(...part);
    }
    seen.push(...merge.end());
    expect(seen).toHaveLength(2_000);
    expect(times(seen)).toEqual(times(seen).toSorted((a, b) => a - b));
    expect(most).toBeLessThan(1_000);
  });
});

describe("slots", () => {
  test("those of the head are all different", () => {
    const slots = new LogSlots(10 * 1_024 * 1_024);
    expect(slots.head).toBe(9 * 1_024 * 1_024);
    const all = Array.from({ length: 100 }, () => slots.nextOfHead());
    expect(new Set(all).size).toBe(100);
  });

  test.each([16 * 1_024, 64 * 1_024, 1_000_000, 10 * 1_024 * 1_024, 1_024 * 1_024 * 1_024])(
    "of %i bytes the tail keeps a part that is bounded, and the newest of it",
    (limit) => {
      const slots = new LogSlots(limit);
      let moved = 0;
      const kept = new Map<string, { readonly n: number; readonly bytes: number }>();
      let seed = 1;
      for (let n = 0; n < 5_000; n++) {
        seed = (seed * 48_271) % 2_147_483_647;
        const bytes = Math.max(1, Math.min(slots.waiting, seed % (n % 700 < 600 ? 200 : MAX_BATCH)));
        const { slot, emptied } = slots.nextOfTail(bytes);
        for (const gone of [slot, ...emptied]) kept.delete(gone);
        kept.set(slot, { n, bytes });
        moved += 1 + emptied.length;
        const size = [...kept.values()].reduce((sum, each) => sum + each.bytes, 0);
        expect(size + slots.head).toBeLessThanOrEqual(limit);
      }
      // Nothing old is left between what is new.
      const places = [...kept.values()].map(({ n }) => n).toSorted((a, b) => b - a);
      expect(places).toEqual(places.map((_, i) => 4_999 - i));
      // Each slot is emptied once for each time that it was filled, at most.
      expect(moved).toBeLessThan(10_000);
    },
  );
});
