/** Is what was stored before, or may have waited for this process, told from what is fresh? */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Context } from "../../internal/nats/context.ts";
import { Freshness } from "../../internal/nats/freshness.ts";

const TICK_MS = 500;
const STALL_MS = 2_000;

let now: number;
let end: number;
let freshness: Freshness;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  now = 0;
  end = 5;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const context = {
    jsm: { streams: { info: async () => ({ state: { last_seq: end } }) } },
    names: { tasksStream: "TASKS" },
    closing: new AbortController().signal,
    onTrouble: (what: string) => expect.fail(what),
  };
  freshness = new Freshness(context as unknown as Context);
  await freshness.start();
});

afterEach(() => {
  freshness.stop();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("what was stored after the look is fresh", () => {
  expect(freshness.isFresh(end)).toBe(false);
  expect(freshness.isFresh(end + 1)).toBe(true);
});

test("what is read before the first tick after a standstill is not, until the end was looked at again", async () => {
  now = STALL_MS + 1;
  end = 9;
  expect(freshness.isFresh(6)).toBe(false);
  await vi.waitFor(() => expect(freshness.isFresh(10)).toBe(true));
  expect(freshness.isFresh(9)).toBe(false);
});

test("nor what is read after that tick: timers come before what waited in the connection", async () => {
  now = STALL_MS + 1;
  end = 9;
  vi.advanceTimersByTime(TICK_MS);
  expect(freshness.isFresh(6)).toBe(false);
  await vi.waitFor(() => expect(freshness.isFresh(10)).toBe(true));
});

test("ticks in time change nothing", () => {
  now = STALL_MS;
  vi.advanceTimersByTime(TICK_MS);
  expect(freshness.isFresh(6)).toBe(true);
});
