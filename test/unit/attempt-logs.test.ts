/** What becomes of what attempts print, on its way from their worker to where it is kept? */
import { beforeEach, describe, expect, test } from "vitest";
import type { LogBatch, LogEntry } from "../../internal/core/attempt-log.ts";
import { LogLines } from "../../internal/core/log-lines.ts";
import { MAX_BATCH } from "../../internal/core/log-slots.ts";
import { encodeLog } from "../../internal/contract/attempt-logs.ts";
import { MemoryLogs } from "../../internal/memory/attempt-logs.ts";
import type { AttemptLog } from "../../internal/ports/attempt-logs.ts";
import { BufferedLogs } from "../../internal/worker/attempt-logs.ts";
import { ManualClock } from "../support/manual-clock.ts";

const MIB = 1_024 * 1_024;
const ATTEMPT = { runId: "r", task: "a", index: 0, attempt: 1, runSeq: 7 };

let clock: ManualClock;
let kept: MemoryLogs;
let put: LogBatch[];
let ended: { readonly bytes: number; readonly dropped: number }[];
/** The server answers once it is there. */
let answers: Promise<void>;
let answer: () => void;
let logs: BufferedLogs;

beforeEach(() => {
  clock = new ManualClock();
  kept = new MemoryLogs(clock, 1_000 * MIB);
  put = [];
  ended = [];
  answers = Promise.resolve();
  logs = makeLogs(10 * MIB);
});

function makeLogs(limit: number): BufferedLogs {
  return new BufferedLogs({
    store: {
      put: async (batch) => {
        put.push(batch);
        await answers;
        await kept.put(batch);
      },
    },
    clock,
    incarnation: "i",
    limit,
    onLine: () => undefined,
    onEnded: (_attempt, printed) => void ended.push(printed),
  });
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function readBack(task = "a"): Promise<LogEntry[]> {
  await clock.advance(0);
  const lines = new LogLines();
  const entries: LogEntry[] = [];
  await kept.read({ runId: "r", task }, (batch) => void entries.push(...lines.take(batch)));
  return [...entries, ...lines.openLines()];
}

async function textsOf(task = "a"): Promise<string[]> {
  return (await readBack(task)).map((entry) =>
    entry.kind === "line"
      ? `${entry.stream}:${entry.text}${entry.isOpen ? "…" : ""}`
      : `gap:${entry.bytes}:${entry.why}`,
  );
}

describe("what is printed", () => {
  test("nothing costs nothing", async () => {
    const log = logs.open(ATTEMPT, "w");
    log.print("stdout", bytes(""));
    log.end();
    log.end();
    await clock.advance(10_000);
    expect(put).toEqual([]);
    expect(ended).toEqual([]);
    expect(await logs.settled(0)).toBe(true);
  });

  test("goes out a moment later, in one batch, in the order in which it came", async () => {
    const log = logs.open(ATTEMPT, "w");
    log.print("stdout", bytes("one\ntw"));
    log.print("stderr", bytes("bad\n"));
    await clock.advance(5);
    log.print("stdout", bytes("o\n"));
    log.line("said\ntwice");
    expect(put).toEqual([]);
    await clock.advance(250);
    expect(put).toHaveLength(1);
    expect(put[0]).toMatchObject({ worker: "w", writer: "i-1", slot: "h0", from: 0, bytes: 23 });
    // The line that was begun first is whole only later.
    expect(await textsOf()).toEqual(["stdout:one", "stderr:bad", "stdout:two", "log:said", "log:twice"]);
    await clock.advance(10_000);
    expect(put).toHaveLength(1);
  });

  test("goes out at once when the attempt ends", async () => {
    const log = logs.open(ATTEMPT, "w");
    log.print("stdout", bytes("no end"));
    log.end();
    expect(put).toHaveLength(1);
    log.print("stdout", bytes("too late"));
    log.line("too late");
    await clock.advance(10_000);
    expect(await textsOf()).toEqual(["stdout:no end…"]);
    expect(ended).toEqual([{ bytes: 6, dropped: 0 }]);
  });

  test("is copied: who prints may use the same bytes again", async () => {
    const log = logs.open(ATTEMPT, "w");
    const own = bytes("first\n");
    log.print("stdout", own);
    own.fill(0);
    log.end();
    expect(await textsOf()).toEqual(["stdout:first"]);
  });

  test("each execution of an attempt has a place of its own", async () => {
    for (const text of ["one\n", "two\n"]) {
      const log = logs.open(ATTEMPT, "w");
      log.print("stdout", bytes(text));
      log.end();
    }
    await clock.advance(1);
    expect(put.map(({ writer }) => writer)).toEqual(["i-1", "i-2"]);
    expect(await textsOf()).toEqual(["stdout:one", "stdout:two"]);
  });
});

describe("characters", () => {
  const smile = bytes("\u{1F600}");

  test.each([0, 1, 2, 3, 4])("one that is cut after %i bytes is put together, on each stream", async (at) => {
    const log = logs.open(ATTEMPT, "w");
    log.print("stdout", smile.subarray(0, at));
    log.print("stderr", smile.subarray(0, 4 - at));
    // A batch ends between the halves.
    await clock.advance(250);
    log.print("stdout", smile.subarray(at));
    log.print("stderr", smile.subarray(4 - at));
    log.end();
    expect((await textsOf()).toSorted()).toEqual(["stderr:\u{1F600}…", "stdout:\u{1F600}…"]);
    expect(ended).toEqual([{ bytes: 8, dropped: 0 }]);
  });

  test("half a one is U+FFFD at the end, also when nothing else comes", async () => {
    const log = logs.open(ATTEMPT, "w");
    log.print("stdout", smile.subarray(0, 2));
    await clock.advance(1_000);
    expect(put).toEqual([]);
    log.end();
    expect(await textsOf()).toEqual(["stdout:\uFFFD…"]);
  });

  test("what is none is U+FFFD; control characters stay, and so do colours", async () => {
    const log = logs.open(ATTEMPT, "w");
    log.print("stdout", Uint8Array.of(0x61, 0xff, 0x62, 0xc3, 0x28, 0x0a));
    log.print("stdout", bytes("\u0000\u0007\u001B[31mred\u001B[0m\r\n\uFEFF"));
    log.end();
    expect(await textsOf()).toEqual([
      "stdout:a\uFFFDb\uFFFD(",
      "stdout:\u0000\u0007\u001B[31mred\u001B[0m\r",
      "stdout:\uFEFF…",
    ]);
  });
});

/** Lines of 16 bytes that tell where they stand. */
function numbered(from: number, count: number): Uint8Array {
  let text = "";
  for (let i = from; i < from + count; i++) text += `${String(i).padStart(15, "0")}\n`;
  return bytes(text);
}

const LINES = 1_024;

/** So many MiB, as a pipe hands them over. */
function flood(log: AttemptLog, mib: number, from = 0): void {
  for (let at = 0; at < mib * 64; at++) log.print("stdout", numbered((from * 64 + at) * LINES, LINES));
}

describe("the limit", () => {
  test("up to it everything is kept, however fast it comes", async () => {
    const log = logs.open(ATTEMPT, "w");
    flood(log, 8);
    log.end();
    await logs.settled(1);
    const lines = await textsOf();
    expect(lines).toHaveLength(8 * 64 * LINES);
    expect(lines.at(-1)).toBe(`stdout:${String(8 * 64 * LINES - 1).padStart(15, "0")}`);
    expect(lines.some((line) => line.startsWith("gap"))).toBe(false);
    expect(ended).toEqual([{ bytes: 8 * MIB, dropped: 0 }]);
  });

  test("above it the head and the tail are kept, and how much was left out", async () => {
    const log = logs.open(ATTEMPT, "w");
    flood(log, 60);
    await clock.advance(1_000);
    flood(log, 40, 60);
    log.end();
    await logs.settled(1);
    const entries = await readBack();
    const gaps = entries.flatMap((entry) => (entry.kind === "gap" ? entry : []));
    expect(gaps.every(({ why }) => why === "limit")).toBe(true);
    const size = (texts: readonly LogEntry[]): number =>
      texts.reduce((sum, each) => sum + (each.kind === "line" ? each.text.length + 1 : 0), 0);
    const lost = gaps.reduce((sum, gap) => sum + gap.bytes, 0);
    // A gap may begin and end within a line.
    expect(Math.abs(size(entries) + lost - 100 * MIB)).toBeLessThan(16);
    const firstGap = entries.findIndex(({ kind }) => kind === "gap");
    expect(size(entries.slice(0, firstGap)) / MIB).toBeCloseTo(9, 0);
    const last = entries.findLastIndex(({ kind }) => kind === "gap");
    expect(size(entries.slice(last)) / 1_024).toBeGreaterThan(300);
    expect(entries.at(-1)).toMatchObject({ text: String(100 * 64 * LINES - 1).padStart(15, "0") });
    expect(size(entries)).toBeLessThan(10 * MIB);
    expect(ended[0]?.dropped).toBeGreaterThan(85 * MIB);
  });

  test("the newest is there while it goes on, and what is kept stays within the limit", async () => {
    logs = makeLogs(64 * 1_024);
    const log = logs.open(ATTEMPT, "w");
    for (let i = 0; i < 20_000; i++) {
      log.print("stdout", numbered(i, 1));
      await clock.advance(50);
      if (i % 1_000 !== 999) continue;
      await clock.advance(750);
      const entries = await readBack();
      expect(entries.at(-1)).toMatchObject({ text: String(i).padStart(15, "0") });
      const size = entries.reduce((sum, each) => sum + (each.kind === "line" ? 16 : 0), 0);
      expect(size).toBeLessThanOrEqual(64 * 1_024);
      expect(entries.filter(({ kind }) => kind === "gap").length).toBeLessThanOrEqual(1);
    }
  });

  test("a line that is longer than a message goes in parts, and is one line again", async () => {
    const log = logs.open(ATTEMPT, "w");
    const long = "x".repeat(200_000);
    log.print("stdout", bytes(`${long}\nnext\n`));
    log.end();
    expect(put.length).toBeGreaterThan(1);
    expect(await textsOf()).toEqual([`stdout:${long}`, "stdout:next"]);
  });

  test("one that has no end comes in parts that say that they go on", async () => {
    const log = logs.open(ATTEMPT, "w");
    log.print("stdout", bytes("x".repeat(600_000)));
    log.print("stdout", bytes("\nnext\n"));
    log.end();
    const lines = await readBack();
    expect(lines.map((line) => line.kind === "line" && line.isOpen)).toEqual([true, true, false, false]);
    expect(lines.map((line) => (line.kind === "line" ? line.text : "")).join("")).toBe(
      `${"x".repeat(600_000)}next`,
    );
  });

  test("no message is larger than the server takes, whatever is printed", async () => {
    const log = logs.open(ATTEMPT, "w");
    log.print("stdout", new Uint8Array(3 * MIB).fill(1));
    for (let i = 0; i < 20_000; i++) log.print(i % 2 === 0 ? "stdout" : "stderr", Uint8Array.of(1));
    log.end();
    await logs.settled(1);
    const sizes = put.map((batch) => encodeLog(batch).length);
    expect(Math.max(...sizes)).toBeLessThan(MIB - 8 * 1_024);
  });
});

describe("a server that does not answer", () => {
  test("nothing is sent beyond a window, memory is bounded, and the newest is kept", async () => {
    standStill();
    const all = Array.from({ length: 10 }, (_, i) => logs.open({ ...ATTEMPT, task: `t${i}` }, "w"));
    const quiet = logs.open({ ...ATTEMPT, task: "quiet" }, "w");
    quiet.line("one word");
    for (const log of all) flood(log, 8);
    await clock.advance(10_000);
    const underWay = put.reduce((sum, { bytes: each }) => sum + each, 0);
    expect(underWay).toBeLessThanOrEqual(2 * MIB + MAX_BATCH);
    for (const log of [...all, quiet]) log.end();
    expect(await settledSoon(10_000)).toBe(false);
    answer();
    await logs.settled(1);
    // Who printed little loses nothing to those who printed much.
    expect(await textsOf("quiet")).toEqual(["log:one word"]);
    const total = put.reduce((sum, { bytes: each }) => sum + each, 0);
    expect(total).toBeLessThan(35 * MIB);
    for (let i = 0; i < 10; i++) {
      const entries = await readBack(`t${i}`);
      expect(entries.at(-1)).toMatchObject({ text: String(8 * 64 * LINES - 1).padStart(15, "0") });
      expect(entries.some((entry) => entry.kind === "gap" && entry.why === "missing")).toBe(true);
    }
    expect(ended).toHaveLength(11);
  });

  test("what is refused is a gap for who reads", async () => {
    let isRefusing = false;
    logs = new BufferedLogs({
      store: { put: (batch) => (isRefusing ? Promise.reject(new Error("no")) : kept.put(batch)) },
      clock,
      incarnation: "i",
      limit: MIB,
      onLine: () => undefined,
      onEnded: () => undefined,
    });
    const log = logs.open(ATTEMPT, "w");
    for (const [i, text] of ["one\n", "two\n", "three\n"].entries()) {
      isRefusing = i === 1;
      log.print("stdout", bytes(text));
      await clock.advance(250);
    }
    log.end();
    expect(await textsOf()).toEqual(["stdout:one", "gap:4:missing", "stdout:three"]);
    expect(await logs.settled(0)).toBe(true);
  });

  test("attempts take turns", async () => {
    standStill();
    const loud = logs.open(ATTEMPT, "w");
    flood(loud, 8);
    const quiet = logs.open({ ...ATTEMPT, task: "b" }, "w");
    quiet.line("heard");
    quiet.end();
    const before = put.length;
    answer();
    await logs.settled(1);
    const place = put.findIndex(({ attempt }) => attempt.task === "b");
    expect(place - before).toBeLessThanOrEqual(1);
  });
});

async function settledSoon(ms: number): Promise<boolean> {
  const settled = logs.settled(ms);
  await clock.advance(ms);
  return settled;
}

/** From now on the server does not answer, until `answer` is called. */
function standStill(): void {
  answers = new Promise((resolve) => {
    answer = resolve;
  });
}
