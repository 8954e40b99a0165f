import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Running, Supervised } from "../../cmd/local/supervised.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A process that ends when it is told to, by `end` or by `stop`. */
class Fake implements Running {
  readonly gone: Promise<string>;
  stops = 0;
  end: (why: string) => void = () => undefined;

  constructor() {
    this.gone = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  async stop(): Promise<void> {
    this.stops++;
    this.end("stopped");
    await this.gone;
  }
}

function supervise(again: () => Promise<Fake>): {
  first: Fake;
  told: string[];
  supervised: Supervised<Fake>;
} {
  const [first, told] = [new Fake(), [] as string[]];
  const onEnded = (why: string, ms: number): void => void told.push(`${why} ${ms}`);
  return { first, told, supervised: new Supervised(first, { again, onEnded }) };
}

test("the pauses grow, to 30 s at most, and begin anew for who ran well", async () => {
  const started: Fake[] = [];
  const { first, told, supervised } = supervise(async () => {
    const next = new Fake();
    started.push(next);
    return next;
  });
  const pauses = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
  first.end("x");
  for (const [i, pause] of pauses.entries()) {
    await vi.advanceTimersByTimeAsync(pause - 1);
    expect(started).toHaveLength(i);
    await vi.advanceTimersByTimeAsync(1);
    expect(started).toHaveLength(i + 1);
    if (i < pauses.length - 1) started.at(-1)?.end("x");
  }
  expect(told).toEqual(pauses.map((pause) => `x ${pause}`));
  await vi.advanceTimersByTimeAsync(30_000);
  started.at(-1)?.end("y");
  await vi.advanceTimersByTimeAsync(0);
  expect(told.at(-1)).toBe("y 500");
  await supervised.stop();
});

test("a start that fails is tried again, with its reason told", async () => {
  let fails = 2;
  const next = new Fake();
  const { first, told, supervised } = supervise(async () => {
    if (fails-- > 0) throw new Error("no room");
    return next;
  });
  first.end("SIGKILL");
  await vi.advanceTimersByTimeAsync(500 + 1_000 + 2_000);
  expect(told).toEqual(["SIGKILL 500", "no room 1000", "no room 2000"]);
  await supervised.stop();
  expect(next.stops).toBe(1);
});

test("a stop during the pause starts nothing; one during a start ends what comes of it", async () => {
  const paused = supervise(() => Promise.reject(new Error("must not be called")));
  paused.first.end("SIGKILL");
  await vi.advanceTimersByTimeAsync(1);
  await paused.supervised.stop();
  expect(paused.told).toEqual(["SIGKILL 500"]);

  const late = new Fake();
  let arrive: () => void = () => undefined;
  const starting = supervise(
    () =>
      new Promise((resolve) => {
        arrive = () => resolve(late);
      }),
  );
  starting.first.end("SIGKILL");
  await vi.advanceTimersByTimeAsync(500);
  const stopped = starting.supervised.stop();
  arrive();
  await stopped;
  expect(late.stops).toBe(1);
});
