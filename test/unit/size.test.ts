import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../internal/core/json.ts";
import { isDeeperThan, isLargerThan, jsonSize } from "../../internal/core/size.ts";
import { SeededRandom } from "../support/random.ts";

const bytes = (value: JsonValue): number => Buffer.byteLength(JSON.stringify(value));

describe("the size of JSON", () => {
  test.each<[string, JsonValue]>([
    ["plain", { a: "text", b: [1, true, false, null], c: {} }],
    ["control characters", "\u0001\u001F\n\t\b\f\r"],
    ["quotes", { 'a"b': 'c\\d"' }],
    ["other scripts", "é中😀\u2028"],
    ["half pairs", "\uD83D.\uDE00.\uDE00\uD83D\uD83D\uDE00"],
    ["numbers", [0, -1.5, 1e300, 0.1 + 0.2, -0]],
    ["empty", [[], {}, "", [[]]]],
  ])("is that of its bytes: %s", (_name, value) => {
    expect(jsonSize(value, 1e9)).toBe(bytes(value));
    expect(isLargerThan(value, bytes(value))).toBe(false);
    expect(isLargerThan(value, bytes(value) - 1)).toBe(true);
  });

  test("of texts made by chance", () => {
    const random = new SeededRandom(7);
    for (let i = 0; i < 2_000; i++) {
      const units = Array.from({ length: random.below(12) }, () =>
        random.pick([random.below(0x1_00), random.below(0x1_00_00), 0xd8_00 + random.below(0x8_00)]),
      );
      const text = String.fromCharCode(...units);
      expect([text, jsonSize({ [text]: text }, 1e9)]).toEqual([text, bytes({ [text]: text })]);
    }
  });
});

test("how deep it goes", () => {
  expect(isDeeperThan(1, 0)).toBe(false);
  expect(isDeeperThan({}, 0)).toBe(true);
  expect(isDeeperThan({ a: [{ b: 1 }] }, 3)).toBe(false);
  expect(isDeeperThan({ a: [{ b: 1 }] }, 2)).toBe(true);
  expect(isDeeperThan(JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) as JsonValue, 1_000)).toBe(
    true,
  );
});
