/** Entries of `--allow-net`, held against what Node takes for addresses. */
import { isIP } from "node:net";
import { expect, test } from "vitest";
import { readNetEntry } from "../../internal/core/net-entry.ts";
import { Networks } from "../../internal/tasks/addresses.ts";
import { SeededRandom } from "../support/random.ts";

test.each([
  ["any", { kind: "word", word: "any" }],
  [" PUBLIC ", { kind: "word", word: "public" }],
  ["10.20.0.7", { kind: "network", network: "10.20.0.7", isAddress: true }],
  ["10.0.0.0/8", { kind: "network", network: "10.0.0.0/8", isAddress: false }],
  ["FD12::/16", { kind: "network", network: "fd12::/16", isAddress: false }],
  ["::ffff:1.2.3.4", { kind: "network", network: "::ffff:1.2.3.4", isAddress: true }],
  ["[::1]", { kind: "network", network: "::1", isAddress: true }],
  ["*.Example.com", { kind: "host", host: "*.example.com" }],
  ["10.in-addr", { kind: "host", host: "10.in-addr" }],
])("%j", (text, entry) => {
  expect(readNetEntry(text)).toEqual(entry);
});

test.each([
  ...["", "*", "a b", "http://x", "x:80", "*.*.com", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8"],
  ...[
    "fe80::1%eth0",
    "fe80::/129",
    "[::1",
    "[10.0.0.1]",
    "[::1]/8",
    "[a]",
    "1.2.3.256",
    "::1/x",
    "-a",
    "a/8",
  ],
])("%j is none", (text) => {
  expect(readNetEntry(text)).toContain(`'${text}' is none of public, private, any, a host name`);
});

test("what it takes for an address is one, and the other way round", () => {
  const random = new SeededRandom(7);
  const pieces = [
    "0",
    "1",
    "f",
    "00ff",
    "12345",
    "g",
    "1.2.3.4",
    "255.255.255.255",
    "256.1.1.1",
    "01.2.3.4",
    "",
  ];
  const likely = ["1", "ab", "1", "c", "0", "1.2.3.4"];
  const found = { 0: 0, 4: 0, 6: 0 };
  for (let i = 0; i < 20_000; i++) {
    const parts = Array.from({ length: 1 + random.below(9) }, () => {
      return random.pick(random.chance(0.9) ? likely : pieces) + (random.chance(0.15) ? "::" : ":");
    });
    const address = parts.join("").replace(/:{1,2}$/, random.chance(0.8) ? "" : "::");
    const kind = isIP(address) as 0 | 4 | 6;
    found[kind]++;
    const read = readNetEntry(address);
    const isNetwork = typeof read !== "string" && read.kind === "network";
    expect(isNetwork, address).toBe(kind !== 0);
    if (isNetwork) new Networks().add(read.network);
  }
  expect(Math.min(...Object.values(found)), JSON.stringify(found)).toBeGreaterThan(200);
});
