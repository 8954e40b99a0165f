/** Does the engine for patterns come with the first of them, and keep no more than a few? */
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { linearPatterns } from "../../internal/patterns/linear-patterns.ts";

const require = createRequire(import.meta.url);
const isLoaded = (): boolean => require.cache[require.resolve("re2js")] !== undefined;

test("the engine is loaded with the first pattern", () => {
  const patterns = linearPatterns();
  expect(isLoaded()).toBe(false);
  expect(patterns("b+")?.find("abbc")).toBe("bb");
  expect(isLoaded()).toBe(true);
});

test("the pattern that was not used for longest goes", () => {
  const patterns = linearPatterns();
  const first = patterns("first");
  const second = patterns("second");
  for (let i = 0; i < 15; i++) {
    patterns(`other${i}`);
    expect(patterns("first")).toBe(first);
  }
  expect(patterns("second")).not.toBe(second);
  expect(patterns("second")?.find("the second")).toBe("second");
});

test("a match that is empty is one", () => {
  const patterns = linearPatterns();
  expect(patterns("x*")?.find("abc")).toBe("");
  expect(patterns("x+")?.find("abc")).toBeUndefined();
  expect(patterns("(")).toBeUndefined();
});
