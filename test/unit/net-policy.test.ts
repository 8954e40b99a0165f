/** Where tasks may connect to. */
import { describe, expect, test } from "vitest";
import { NetPolicy } from "../../internal/tasks/net-policy.ts";

function policy(...entries: string[]): NetPolicy {
  const read = NetPolicy.of(entries);
  if (typeof read === "string") throw new Error(read);
  return read;
}

const PUBLIC = ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"];
const PRIVATE = [
  ...["127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"],
  ...["::1", "fd12::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:0a00:0001", "64:ff9b::10.0.0.1"],
  ...["2002:7f00:1::", "::127.0.0.1"],
];
const TO_BE_NAMED = [
  ...["169.254.169.254", "169.254.170.2", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200"],
  ...["::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "192.0.0.192"],
];
const NEITHER = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::", "ff02::1", "2001:db8::1"];

describe.each([
  ["any", [...PUBLIC, ...PRIVATE, ...NEITHER], TO_BE_NAMED],
  ["public", PUBLIC, [...PRIVATE, ...TO_BE_NAMED, ...NEITHER]],
  ["private", PRIVATE, [...PUBLIC, ...TO_BE_NAMED, ...NEITHER]],
])("%s", (word, open, closed) => {
  test.each(open)("allows %s", (address) => {
    expect(policy(word).allows(address, "some.host")).toBe(true);
  });
  test.each(closed)("does not allow %s", (address) => {
    expect(policy(word).allows(address, "some.host")).toBe(false);
  });
});

test("nothing is allowed by nothing", () => {
  expect(policy().allows("1.1.1.1", "one.one")).toBe(false);
});

test("an address and a network allow what lies in them, also what no word opens", () => {
  const named = policy("169.254.169.254", "10.0.0.0/8", "fe80::/10");
  const open = ["169.254.169.254", "::ffff:169.254.169.254", "10.255.0.1", "fe80::2"];
  for (const address of open) expect(named.allows(address, "x"), address).toBe(true);
  for (const address of ["169.254.169.253", "11.0.0.1"])
    expect(named.allows(address, "x"), address).toBe(false);
});

test("a host name allows what it stands for, but no address that has to be named", () => {
  const named = policy("api.internal", "*.Example.com");
  expect(named.allows("10.0.0.1", "api.internal")).toBe(true);
  expect(named.allows("10.0.0.1", "API.internal")).toBe(true);
  expect(named.allows("10.0.0.1", "a.b.example.com")).toBe(true);
  for (const host of ["example.com", "notexample.com", "api.internal.evil.com", "x.api.internal"])
    expect(named.allows("10.0.0.1", host), host).toBe(false);
  expect(named.allows("169.254.169.254", "api.internal")).toBe(false);
});

test("words add up", () => {
  const both = policy("public", " PRIVATE ");
  expect(["1.1.1.1", "10.0.0.1", "169.254.0.1"].map((each) => both.allows(each, "x"))).toEqual([
    true,
    true,
    false,
  ]);
});

test.each([
  "",
  "10.0.0.0/33",
  "10.0.0/8",
  "1.2.3.4.5",
  "::1/129",
  "a b",
  "http://x",
  "*",
  "*.",
  "fe80::/-1",
  "10.0.0.0/8/8",
])("'%s' is no entry", (entry) => {
  expect(NetPolicy.of([entry])).toMatch(/^'.*' is none of public, private, any, a host name/);
});
