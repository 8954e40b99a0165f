/** Patterns of paths: what they mean, what is none, and that none takes long. */
import { describe, expect, test } from "vitest";
import { advance, begin, type Glob, isMatch, parseGlob } from "../../internal/core/glob.ts";
import { SeededRandom } from "../support/random.ts";

function glob(text: string): Glob {
  const parsed = parseGlob(text);
  if (typeof parsed === "string") throw new Error(`${text}: ${parsed}`);
  return parsed;
}

test.each([
  ["out/*.csv", ["out/a.csv", "out/a.csv.csv"], ["a.csv", "out/a.csvx", "out/x/a.csv", "out/.a.csv"]],
  ["*", ["a", "a b", "a\nb", "☃"], ["a/b", ".a"]],
  ["**", ["a", "a/b", "a/b/c"], [".a", "a/.b", ".a/b"]],
  ["out/**", ["out/a", "out/a/b"], ["out", "outer/a"]],
  ["**/*.csv", ["a.csv", "x/a.csv", "x/y/a.csv"], ["a.txt", "x/.y/a.csv"]],
  ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a", "a/bb", "a/x/b/c"]],
  ["**/a/**/a", ["a/a", "x/a/a", "a/a/a", "a/b/c/a"], ["a", "a/b"]],
  ["part-?.bin", ["part-1.bin", "part-☃.bin"], ["part-.bin", "part-12.bin"]],
  ["[a-c]x[!0-9]", ["axz", "cx☃"], ["dxz", "ax1", "ax"]],
  ["[]]", ["]"], ["["]],
  ["[.]a", [], [".a"]],
  ["\\*\\[\\{.txt", ["*[{.txt"], ["a[{.txt"]],
  [".hidden/*", [".hidden/a"], ["hidden/a", ".hidden/.a"]],
  ["./out//a.txt", ["out/a.txt"], ["a.txt"]],
  ["a**b", ["ab", "axxb"], ["a/b"]],
])("%s", (text, meant, others) => {
  const pattern = glob(text);
  expect(meant.filter((path) => !isMatch(pattern, path))).toEqual([]);
  expect(others.filter((path) => isMatch(pattern, path))).toEqual([]);
});

test.each([
  ["", "such as out/*.csv"],
  ["/etc/passwd", "begins with /"],
  ["../x", "must not have .."],
  ["a/../../x", "must not have .."],
  ["out/", "folder/**"],
  [".", "folder/**"],
  ["a[b", "without a ]"],
  ["*.{csv,json}", "a pattern for each alternative"],
  ["a\0b", "NUL"],
  ["a\\", "ends with a \\"],
  ["a".repeat(2_000), "at most 1024"],
])("what is no pattern: %.20j", (text, why) => {
  expect(parseGlob(text)).toContain(why);
});

test("what has no wildcard names one path", () => {
  expect(glob("out//report\\*.pdf").path).toBe("out/report*.pdf");
  expect(glob("out/*.pdf").path).toBeUndefined();
});

test("a folder in which nothing can be meant is known", () => {
  const pattern = glob("out/*.csv");
  expect(advance(pattern, begin(pattern), "src")).toEqual([]);
  expect(advance(pattern, begin(pattern), "out")).not.toEqual([]);
});

describe("any pattern", () => {
  const random = new SeededRandom(7);
  const text = (from: string, length: number): string =>
    Array.from({ length }, () => random.pick(Array.from(from))).join("");

  /** By trying everything, which is slow and plainly right. */
  const tried = (tokens: string, name: string): boolean => {
    if (tokens === "") return name === "";
    if (tokens.startsWith("*"))
      return tried(tokens.slice(1), name) || (name !== "" && tried(tokens, name.slice(1)));
    return (
      name !== "" && (tokens[0] === "?" || tokens[0] === name[0]) && tried(tokens.slice(1), name.slice(1))
    );
  };

  test("means what it means by trying everything", () => {
    for (let i = 0; i < 3_000; i++) {
      const [pattern, name] = [text("ab*?", 1 + random.below(6)), text("ab", 1 + random.below(7))];
      if (pattern === "**") continue;
      expect([pattern, name, isMatch(glob(pattern), name)]).toEqual([pattern, name, tried(pattern, name)]);
    }
  });

  test("answers at once, however it is made", () => {
    const name = "a".repeat(4_000);
    expect(isMatch(glob(`${"*a".repeat(200)}*b`), `${name}c`)).toBe(false);
    const deep = `${"a/".repeat(2_000)}c`;
    expect(isMatch(glob(`${"**/a/".repeat(150)}b`), deep)).toBe(false);
  });
});
