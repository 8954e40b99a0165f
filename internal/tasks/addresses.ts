/** IP addresses: the networks they lie in, and where those of IPv6 lead that have IPv4 inside. */
import { BlockList, isIP } from "node:net";

export class Networks {
  /** Apart: in one list, networks of IPv6 such as ::/8 would have all IPv4 addresses, as mapped ones. */
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() };

  /** Each is an address, or `address/bits`. */
  constructor(networks: readonly string[] = []) {
    for (const network of networks) this.add(network);
  }

  add(network: string): void {
    const [address = "", bits] = network.split("/");
    const family = familyOf(address);
    this.#lists[family].addSubnet(address, Number(bits ?? widthOf(address)), family);
  }

  has(address: string): boolean {
    const family = familyOf(address);
    return this.#lists[family].check(address, family);
  }
}

/** Without the zone that may stand behind one of IPv6. */
export function withoutZone(address: string): string {
  return address.replace(/%.*$/, "");
}

/**
 * Where an address leads: to itself, or to the IPv4 that it only stands for; to several, where it cannot be told which of
 * them is reached. It has no zone.
 */
export function destinationsOf(address: string): readonly string[] {
  if (isIP(address) !== 6) return [address];
  const bytes = bytesOf(address);
  const form = FORMS.find(({ has }) => has(address, bytes));
  if (form === undefined) return [address];
  return [...(form.isReachedItself ? [address] : []), ...form.within.map((at) => at(bytes))];
}

type Bytes = readonly number[];
type Place = (bytes: Bytes) => string;

interface Form {
  has(address: string, bytes: Bytes): boolean;
  readonly within: readonly Place[];
  readonly isReachedItself: boolean;
}

const last = at(12, 13, 14, 15);

/** Forms of IPv4 inside of IPv6. */
const FORMS: readonly Form[] = [
  // The unspecified address and the loopback look as if they were compatible ones.
  { ...of("::/127", []), isReachedItself: true },
  // Compatible, mapped, translated.
  of("::/96", [last]),
  of("::ffff:0:0/96", [last]),
  of("::ffff:0:0:0/96", [last]),
  // NAT64; with a prefix of its own a network has it in one of the places of RFC 6052.
  of("64:ff9b::/96", [last]),
  {
    ...of("64:ff9b:1::/48", [at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12), last]),
    isReachedItself: true,
  },
  // 6to4; Teredo, with a server and, each bit the other way round, a client; ISATAP.
  of("2002::/16", [at(2, 3, 4, 5)]),
  of("2001::/32", [at(4, 5, 6, 7), (bytes) => last(bytes.map((byte) => 255 - byte))]),
  { has: (_, bytes) => isIsatap(bytes), within: [last], isReachedItself: true },
];

function of(network: string, within: readonly Place[]): Form {
  const networks = new Networks([network]);
  return { has: (address) => networks.has(address), within, isReachedItself: false };
}

function at(...places: readonly number[]): Place {
  return (bytes) => places.map((place) => bytes[place] ?? 0).join(".");
}

function isIsatap(bytes: Bytes): boolean {
  const [first, ...rest] = bytes.slice(8, 12);
  return (first === 0 || first === 2) && rest.join(" ") === "0 94 254";
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

function widthOf(address: string): number {
  return isIP(address) === 4 ? 32 : 128;
}

/** The sixteen bytes of a valid IPv6 address. */
function bytesOf(address: string): number[] {
  const inHex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = "", tail] = inHex.split("::");
  const numbers = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [before, after] = [numbers(head), numbers(tail ?? "")];
  const between = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return [...before, ...between, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}
