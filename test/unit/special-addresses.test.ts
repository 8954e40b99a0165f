/** Every block of IANA's special-purpose registries, and every way to write or to reach a metadata address. */
import { describe, expect, test } from "vitest";
import { NetPolicy } from "../../internal/tasks/net-policy.ts";

const allows = (entry: string, address: string): boolean => {
  const policy = NetPolicy.of([entry]);
  if (typeof policy === "string") throw new Error(policy);
  return policy.allows(address, "some.host");
};

/** What opens it: one of the words, or none of them; `special` has to be named. */
type By = "public" | "private" | "any" | "special";

/** Of each block the first and the last address. Those that are in others, too, are judged as the smallest. */
const REGISTERED: readonly [block: string, first: string, last: string, by: By][] = [
  ["this network", "0.0.0.0", "0.255.255.255", "any"],
  ["private", "10.0.0.0", "10.255.255.255", "private"],
  ["shared", "100.64.0.0", "100.127.255.255", "private"],
  ["loopback", "127.0.0.0", "127.255.255.255", "private"],
  ["link-local", "169.254.0.0", "169.254.255.255", "special"],
  ["private", "172.16.0.0", "172.31.255.255", "private"],
  ["protocols, with DS-Lite, the dummy and NAT64 discovery", "192.0.0.0", "192.0.0.171", "any"],
  ["protocols", "192.0.0.193", "192.0.0.255", "any"],
  ["anycast of PCP and TURN", "192.0.0.9", "192.0.0.10", "any"],
  ["documentation", "192.0.2.0", "192.0.2.255", "any"],
  ["AS112", "192.31.196.0", "192.31.196.255", "public"],
  ["AMT", "192.52.193.0", "192.52.193.255", "public"],
  ["6to4 relays, with 6a44", "192.88.99.0", "192.88.99.255", "any"],
  ["private", "192.168.0.0", "192.168.255.255", "private"],
  ["AS112", "192.175.48.0", "192.175.48.255", "public"],
  ["benchmarks", "198.18.0.0", "198.19.255.255", "any"],
  ["documentation", "198.51.100.0", "198.51.100.255", "any"],
  ["documentation", "203.0.113.0", "203.0.113.255", "any"],
  ["multicast", "224.0.0.0", "239.255.255.255", "any"],
  ["reserved, and broadcast", "240.0.0.0", "255.255.255.255", "any"],

  ["loopback", "::1", "::1", "private"],
  ["unspecified", "::", "::", "any"],
  ["NAT64 of a network", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "any"],
  ["discard", "100::", "100::ffff:ffff:ffff:ffff", "any"],
  ["dummy", "100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", "any"],
  ["protocols", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["anycast of PCP, TURN and DNS-SD", "2001:1::1", "2001:1::3", "any"],
  ["benchmarks", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "any"],
  ["AMT", "2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["AS112", "2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", "any"],
  ["ORCHID", "2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["ORCHIDv2", "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["drones", "2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["documentation", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["AS112", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "public"],
  ["documentation", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["SRv6", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["unique local", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"],
  ["link-local", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "special"],
  ["site-local", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["multicast", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "any"],

  ["what nobody has registered", "1.0.0.0", "9.255.255.255", "public"],
  ["what nobody has registered", "2001:200::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "public"],
  ["what nobody has registered", "2003::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "public"],
  ["what is not given to anybody", "64:ff9b:2::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
  ["what is not given to anybody", "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "any"],
];

test.each(REGISTERED)("%s: %s to %s is opened by %s", (...[, first, last, by]) => {
  for (const address of [first, last]) {
    expect(allows("public", address), address).toBe(by === "public");
    expect(allows("private", address), address).toBe(by === "private");
    expect(allows("any", address), address).toBe(by !== "special");
    expect(allows(address, address), address).toBe(true);
  }
});

/** The ways in which IPv6 has an IPv4 address, which is given as `a9fe:a9fe`, and as `a9 fe a9 fe`. */
const WAYS: readonly [form: string, (high: string, low: string, bytes: readonly string[]) => string][] = [
  ["compatible", (high, low) => `::${high}:${low}`],
  ["mapped", (high, low) => `::ffff:${high}:${low}`],
  ["translated", (high, low) => `::ffff:0:${high}:${low}`],
  ["NAT64", (high, low) => `64:ff9b::${high}:${low}`],
  ["NAT64 of a network, /48", (high, _low, [, , c, d]) => `64:ff9b:1:${high}:${c}:${d}00::`],
  ["NAT64 of a network, /56", (_high, _low, [a, b, c, d]) => `64:ff9b:1:12${a}:${b}:${c}${d}::`],
  ["NAT64 of a network, /64", (_high, _low, [a, b, c, d]) => `64:ff9b:1:1234:${a}:${b}${c}:${d}00:0`],
  ["NAT64 of a network, /96", (high, low) => `64:ff9b:1:1234:5678:9abc:${high}:${low}`],
  ["6to4", (high, low) => `2002:${high}:${low}::1`],
  ["Teredo, the server", (high, low) => `2001:0:${high}:${low}::f7f7:f7f7`],
  [
    "Teredo, the client",
    (_high, _low, bytes) => {
      const [a, b, c, d] = bytes.map((byte) =>
        (255 - Number.parseInt(byte, 16)).toString(16).padStart(2, "0"),
      );
      return `2001:0:808:808:0:0:${a}${b}:${c}${d}`;
    },
  ],
  ["ISATAP", (high, low) => `2606:4700::5efe:${high}:${low}`],
  ["ISATAP of an address that is unique", (high, low) => `2606:4700::200:5efe:${high}:${low}`],
];

function written(way: (typeof WAYS)[number][1], address: string): string {
  const bytes = address.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
  const [a = "", b = "", c = "", d = ""] = bytes;
  return way(a + b, c + d, bytes);
}

describe.each(WAYS)("IPv4 within IPv6: %s", (form, way) => {
  test.each(["169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192"])(
    "%s has to be named as what it is",
    (metadata) => {
      const address = written(way, metadata);
      for (const entry of ["any", "public", "private", "some.host", "2000::/3", "64:ff9b:1::/48", "::/8"])
        expect(allows(entry, address), `${address} by ${entry}`).toBe(false);
    },
  );

  test("it may be named as it is written", () => {
    const address = written(way, "169.254.169.254");
    expect(allows(address, address)).toBe(true);
  });

  test("no word for the Internet opens a private one", () => {
    for (const own of ["127.0.0.1", "10.1.2.3", "192.168.0.1"])
      expect(allows("public", written(way, own)), written(way, own)).toBe(false);
  });

  test("where it leads to that one alone, it is judged as that", () => {
    if (!/^(?:compatible|mapped|translated|NAT64|6to4)$/.test(form)) return;
    expect(allows("169.254.169.254", written(way, "169.254.169.254"))).toBe(true);
    expect(allows("private", written(way, "10.1.2.3"))).toBe(true);
    expect(allows("public", written(way, "8.8.8.8"))).toBe(true);
    expect(allows("8.8.0.0/16", written(way, "8.8.8.8"))).toBe(true);
  });
});

test.each([
  ...[
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
  ],
  ...["fe80::a9fe:a9fe", "fe80::a9fe:a9fe%eth0", "fd00:0ec2:0::254", "169.254.170.2", "169.254.170.23"],
])("a metadata service at %s has to be named", (address) => {
  for (const entry of ["any", "public", "private", "some.host"])
    expect(allows(entry, address), entry).toBe(false);
  expect(allows(address.replace("%eth0", ""), address)).toBe(true);
  expect(allows(address.includes(":") ? "fc00::/6" : "169.0.0.0/8", address)).toBe(true);
});
