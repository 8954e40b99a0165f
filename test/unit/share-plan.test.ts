/** Who drives which shares: every executor decides for itself, and together they come to rest. */
import { describe, expect, test } from "vitest";
import { SHARES } from "../../internal/core/hash.ts";
import { type Member, sharesToTake, shareToGive } from "../../internal/core/shares.ts";

const NONE: ReadonlySet<number> = new Set();
const service = (id: string): Member => ({ id, standsIn: false });
const standIn = (id: string): Member => ({ id, standsIn: true });
const FREE: (string | undefined)[] = Array.from({ length: SHARES }, () => undefined);

interface Rest {
  readonly holders: (string | undefined)[];
  /** How many shares changed hands on the way. */
  readonly moves: number;
}

/** Lets all act in turn until nobody does anything any more. */
function settle(members: readonly Member[], from: readonly (string | undefined)[]): Rest {
  const holders = [...from];
  let moves = 0;
  for (let round = 0; round < 100; round++) {
    const before = holders.join();
    for (const { id: me } of members) {
      for (const share of sharesToTake({ me, members, holders, forsaken: NONE })) {
        if (holders[share] !== undefined) throw new Error(`${me} takes share ${share} from another`);
        holders[share] = me;
        moves++;
      }
      const given = shareToGive({ me, members, holders, forsaken: NONE }, NONE);
      if (given !== undefined) holders[given] = undefined;
    }
    if (holders.join() === before) return { holders, moves };
  }
  throw new Error(`they do not come to rest: ${holders.join()}`);
}

function counts({ holders }: Rest): Record<string, number> {
  const all: Record<string, number> = {};
  for (const holder of holders) if (holder !== undefined) all[holder] = (all[holder] ?? 0) + 1;
  return all;
}

describe("executor services", () => {
  test.each([
    [1, [16]],
    [2, [8, 8]],
    [3, [6, 5, 5]],
    [5, [4, 3, 3, 3, 3]],
    [16, Array.from({ length: 16 }, () => 1)],
  ])("divide the shares evenly: %i", (n, expected) => {
    const members = Array.from({ length: n }, (_, i) => service(`e${String(i).padStart(2, "0")}`));
    const rest = settle(members, FREE);
    expect(Object.values(counts(rest))).toEqual(expected);
    expect(rest.moves).toBe(SHARES);
  });

  test("hand over no more than is needed, whoever comes or goes", () => {
    const [a, b, c] = [service("a"), service("b"), service("c")];
    const alone = settle([a], FREE);
    const two = settle([a, b], alone.holders);
    expect({ counts: counts(two), moves: two.moves }).toEqual({ counts: { a: 8, b: 8 }, moves: 8 });
    const three = settle([a, b, c], two.holders);
    expect({ counts: counts(three), moves: three.moves }).toEqual({ counts: { a: 6, b: 5, c: 5 }, moves: 5 });
    const without = three.holders.map((holder) => (holder === "a" ? undefined : holder));
    const left = settle([b, c], without);
    expect({ counts: counts(left), moves: left.moves }).toEqual({ counts: { b: 8, c: 8 }, moves: 6 });
  });

  test("beyond the number of shares the last ones have none", () => {
    const members = Array.from({ length: 20 }, (_, i) => service(`e${String(i).padStart(2, "0")}`));
    expect(Object.keys(counts(settle(members, FREE)))).toHaveLength(SHARES);
  });

  test("that come at the same time reach for different shares first", () => {
    const members = [service("a"), service("b")];
    const [ofA, ofB] = members.map(({ id: me }) =>
      sharesToTake({ me, members, holders: FREE, forsaken: NONE }),
    );
    expect(ofA?.filter((share) => ofB?.includes(share))).toEqual([]);
  });

  test("give one up at a time, and only while all are taken", () => {
    const members = [service("a"), service("b")];
    const all = FREE.map(() => "a");
    expect(shareToGive({ me: "a", members, holders: all, forsaken: NONE }, NONE)).toBeDefined();
    const holders = all.with(3, undefined as unknown as string);
    expect(shareToGive({ me: "a", members, holders, forsaken: NONE }, NONE)).toBeUndefined();
  });

  test("take what another should have and does not, and keep it", () => {
    const members = [service("a"), service("b")];
    const holders = FREE.map((_, share) => (share % 2 === 0 ? "a" : undefined));
    expect(sharesToTake({ me: "a", members, holders, forsaken: NONE })).toEqual([]);
    expect(sharesToTake({ me: "a", members, holders, forsaken: new Set([5]) })).toEqual([5]);
    const all = FREE.map(() => "a");
    expect(shareToGive({ me: "a", members, holders: all, forsaken: NONE }, new Set([5]))).not.toBe(5);
    const kept = new Set(FREE.keys());
    expect(shareToGive({ me: "a", members, holders: all, forsaken: NONE }, kept)).toBeUndefined();
  });
});

describe("who stands in", () => {
  const members = [standIn("s"), standIn("t"), service("a")];

  test("drives all while there is no service, and divides nothing", () => {
    expect(counts(settle([standIn("s"), standIn("t")], FREE))).toEqual({ s: SHARES });
  });

  test("leaves the shares to services, and gives back what it has", () => {
    expect(counts(settle(members, FREE))).toEqual({ a: SHARES });
    const rest = settle(
      members,
      FREE.map(() => "s"),
    );
    expect(counts(rest)).toEqual({ a: SHARES });
  });

  test("takes what no service has taken", () => {
    expect(sharesToTake({ me: "s", members, holders: FREE, forsaken: new Set([2, 9]) })).toEqual([2, 9]);
  });
});
