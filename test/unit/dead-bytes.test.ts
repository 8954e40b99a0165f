import { expect, test } from "vitest";
import { readable, textOf } from "../../cmd/dag/bytes.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  ["nothing", bytes(""), [""]],
  ["text", bytes('{"v":1}\n\tgrößer'), ['{"v":1}', "  größer"]],
  [
    "no UTF-8",
    Uint8Array.of(0xff, 0x00, 0x22),
    ['00000000  ff 00 22                                         |.."|'],
  ],
  [
    "what a terminal would obey",
    bytes("\u001B[2J and more than a row"),
    [
      "00000000  1b 5b 32 4a 20 61 6e 64 20 6d 6f 72 65 20 74 68  |.[2J and more th|",
      "00000010  61 6e 20 61 20 72 6f 77                          |an a row|",
    ],
  ],
])("%s is shown so that it can be read", (_name, data, lines) => {
  expect(readable(data)).toEqual(lines);
});

test("of many bytes that are no text the first are shown", () => {
  const lines = readable(new Uint8Array(100_000));
  expect(lines).toHaveLength(65);
  expect(lines.at(-1)).toBe("… and 98976 more bytes; --json has all of them");
  expect(textOf(new Uint8Array(1))).toBeUndefined();
});
