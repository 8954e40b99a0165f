/** When is a worker dead? As tables: what was seen of it, and when, and what follows. */
import { describe, expect, test } from "vitest";
import {
  deathSignOf,
  excused,
  isPathGood,
  type LivenessLimits,
  type Placed,
  type Sign,
  type Signs,
  withSign,
} from "../../internal/core/liveness.ts";

const LIMITS: LivenessLimits = { deadAfterMs: 30_000, goneAfterMs: 2_000, overtimeMs: 0 };

type Seen = readonly [at: number, sign: Sign | "excused"];

/** Heard at 0, and then this. */
function signsOf(seen: readonly Seen[]): Signs {
  let signs: Signs = { heardAt: 0, isExcused: false };
  for (const [at, sign] of seen) signs = sign === "excused" ? excused(at) : withSign(signs, sign, at);
  return signs;
}

/** Gone at every quarter of a second. */
function gone(from: number, to: number): Seen[] {
  return Array.from({ length: (to - from) / 250 + 1 }, (_, i) => [from + i * 250, "gone"]);
}

describe("what was seen of a worker that was heard at 0, with a path known good", () => {
  test.each<[string, readonly Seen[], verdict: readonly [now: number, sign: string | undefined]]>([
    ["nothing, within its term", [], [30_000, undefined]],
    ["nothing for longer", [], [30_001, "silent"]],
    ["heard again", [[29_000, "heard"]], [59_000, undefined]],
    [
      "no answer in time, again and again: it is slow",
      [
        [1_000, "late"],
        [2_000, "late"],
        [9_000, "late"],
      ],
      [9_000, undefined],
    ],
    [
      "no answer in time for longer than its term",
      [
        [1_000, "late"],
        [29_999, "late"],
      ],
      [30_001, "silent"],
    ],
    ["gone once", [[1_000, "gone"]], [1_000, undefined]],
    ["gone once, and nobody has looked since", [[1_000, "gone"]], [20_000, undefined]],
    ["gone for less than the time", gone(1_000, 2_750), [2_999, undefined]],
    ["gone for the time", gone(1_000, 3_000), [3_000, "connection-gone"]],
    [
      "gone, back, and gone again",
      [...gone(1_000, 2_750), [2_800, "heard"], ...gone(3_000, 4_750)],
      [4_750, undefined],
    ],
    [
      "gone, slow, and gone again: it was there in between",
      [...gone(1_000, 2_750), [2_800, "late"], ...gone(3_000, 4_750)],
      [4_750, undefined],
    ],
    [
      "gone twice, with nothing known in between",
      [
        [1_000, "gone"],
        [3_500, "gone"],
      ],
      [3_500, undefined],
    ],
    ["gone since we could not hear", [[500, "excused"], ...gone(1_000, 9_000)], [9_000, undefined]],
    [
      "gone and silent since we could not hear",
      [[500, "excused"], ...gone(1_000, 30_750)],
      [30_501, "silent"],
    ],
    [
      "heard and then gone since we could not hear",
      [[500, "excused"], [700, "heard"], ...gone(1_000, 3_000)],
      [3_000, "connection-gone"],
    ],
    [
      "gone before we could not hear, and after",
      [...gone(1_000, 2_750), [2_800, "excused"], ...gone(3_000, 9_000)],
      [9_000, undefined],
    ],
    ["silent when we could not hear", [[29_000, "excused"]], [59_000, undefined]],
  ])("%s", (_name, seen, [now, sign]) => {
    expect(deathSignOf(signsOf(seen), { now, isPathGood: true }, LIMITS)).toBe(sign);
  });
});

test("where the path is in doubt, a connection that is gone says nothing, and silence does", () => {
  const signs = signsOf(gone(1_000, 29_750));
  expect(deathSignOf(signs, { now: 29_750, isPathGood: false }, LIMITS)).toBeUndefined();
  expect(deathSignOf(signs, { now: 30_001, isPathGood: false }, LIMITS)).toBe("silent");
});

const HEARD_LATER: Signs = { heardAt: 1_500, isExcused: false };
const HEARD_BEFORE: Signs = { heardAt: 900, isExcused: false };

function placed(host: string, server: string, signs: Signs): Placed {
  return { host, server, signs };
}

describe("the path to a worker on host a and server S that is gone since 1,000", () => {
  const signs = signsOf(gone(1_000, 3_000));
  test.each<[string, place: readonly [ownServer: string, others: readonly Placed[]], isGood: boolean]>([
    ["we are on its server", ["S", []], true],
    ["we are on another, and nobody else is on its server", ["T", []], false],
    ["somebody else on its server was heard since", ["T", [placed("b", "S", HEARD_LATER)]], true],
    ["somebody else on its server was heard before only", ["T", [placed("b", "S", HEARD_BEFORE)]], false],
    ["somebody on another server was heard since", ["T", [placed("b", "U", HEARD_LATER)]], false],
    ["one of another host went at once", ["S", [placed("b", "S", signsOf(gone(1_500, 3_000)))]], false],
    [
      "one of another host went at once, and others are heard",
      ["T", [placed("b", "S", signsOf(gone(500, 3_000))), placed("c", "S", HEARD_LATER)]],
      false,
    ],
    [
      "one of its own host went at once: a host is one thing that ends",
      ["S", [placed("a", "S", signsOf(gone(1_000, 3_000)))]],
      true,
    ],
    ["one of another host went long after", ["S", [placed("b", "S", signsOf(gone(3_000, 3_000)))]], true],
  ])("%s", (_name, [ownServer, others], isGood) => {
    const worker = placed("a", "S", signs);
    expect(isPathGood(worker, [...others, worker], { ownServer, limits: LIMITS })).toBe(isGood);
  });
});
