/**
 * Where tasks may connect to: `public`, `private`, `any`, host names and networks, in any number. Link-local addresses
 * and those of cloud metadata services hand out a machine's credentials, so no general word opens them: the address
 * itself, or a network that it lies in, has to be named.
 *
 * An address counts as what it leads to: IPv4 inside of IPv6 (mapped, NAT64, 6to4) is judged as IPv4.
 */
import { BlockList, isIP } from "node:net";

/** Special-purpose networks that are not reached over the Internet (IANA registries for IPv4 and IPv6). */
const NOT_PUBLIC = [
  ..."0.0.0.0/8 192.0.0.0/24 192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4".split(
    " ",
  ),
  ..."::/128 100::/64 2001:2::/48 2001:db8::/32 3fff::/20 ff00::/8".split(" "),
];
/** Loopback, private networks, shared address space of providers, unique local addresses. */
const PRIVATE = "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 ::1/128 fc00::/7".split(
  " ",
);
/** Link-local, where most metadata services are, and the addresses of those that are elsewhere. */
const TO_BE_NAMED = "169.254.0.0/16 fe80::/10 fd00:ec2::254/128 100.100.100.200/32 192.0.0.192/32".split(" ");

const toBeNamed = listOf(TO_BE_NAMED);
const privateOnes = listOf(PRIVATE);
const notPublic = listOf([...NOT_PUBLIC, ...PRIVATE, ...TO_BE_NAMED]);

const HOST = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/;
const WORDS = ["public", "private", "any"] as const;
type Word = (typeof WORDS)[number];

export class NetPolicy {
  readonly #entries: readonly string[];
  readonly #words = new Set<Word>();
  readonly #networks = new BlockList();
  readonly #hosts = new Set<string>();

  private constructor(entries: readonly string[]) {
    this.#entries = entries;
  }

  /** All but what has to be named. */
  static any(): NetPolicy {
    const policy = new NetPolicy(["any"]);
    policy.#words.add("any");
    return policy;
  }

  /** Reads entries of `--allow-net`; a text says what is wrong with one. */
  static of(entries: readonly string[]): NetPolicy | string {
    const policy = new NetPolicy(entries);
    for (const entry of entries) {
      if (!policy.#add(entry.trim().toLowerCase())) {
        return `'${entry}' is none of public, private, any, a host name such as api.example.com or *.example.com, an address or a network such as 10.0.0.0/8`;
      }
    }
    return policy;
  }

  /** Whether this address may be connected to, as one that this host name stands for. */
  allows(address: string, host: string): boolean {
    const meant = embedded(address);
    if (isIn(this.#networks, meant)) return true;
    if (isIn(toBeNamed, meant)) return false;
    if (this.#words.has("any") || this.#isNamed(host.toLowerCase())) return true;
    if (isIn(privateOnes, meant)) return this.#words.has("private");
    return this.#words.has("public") && !isIn(notPublic, meant);
  }

  /** Why none of the addresses that a host stands for may be connected to. */
  refusal(addresses: readonly string[], host: string): string {
    const name = addresses.includes(host) ? "" : `${host} is ${addresses.join(", ")}: `;
    const open = `--allow-net of this worker (${this.#entries.join(",")}) does not open ${addresses.join(", ")}`;
    const isSpecial = addresses.some((address) => isIn(toBeNamed, embedded(address)));
    return `${name}${open}${isSpecial ? "; link-local and metadata addresses have to be named there" : ""}`;
  }

  #add(entry: string): boolean {
    const word = WORDS.find((each) => each === entry);
    if (word !== undefined) this.#words.add(word);
    else if (isNetwork(entry)) addTo(this.#networks, entry);
    else if (HOST.test(entry) && isIP(entry) === 0 && !/^[\d.]+$/.test(entry)) this.#hosts.add(entry);
    else return false;
    return true;
  }

  #isNamed(host: string): boolean {
    if (this.#hosts.has(host)) return true;
    for (let dot = host.indexOf("."); dot !== -1; dot = host.indexOf(".", dot + 1)) {
      if (this.#hosts.has(`*${host.slice(dot)}`)) return true;
    }
    return false;
  }
}

/** An address, or a network as `address/bits`. */
function isNetwork(entry: string): boolean {
  const [address = "", bits, ...more] = entry.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= widthOf(address));
}

function addTo(list: BlockList, network: string): void {
  const [address = "", bits] = network.split("/");
  list.addSubnet(address, Number(bits ?? widthOf(address)), familyOf(address));
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) addTo(list, network);
  return list;
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

function widthOf(address: string): number {
  return isIP(address) === 4 ? 32 : 128;
}

/** The IPv4 address that an IPv6 one leads to, or else itself. */
function embedded(address: string): string {
  if (isIP(address) !== 6) return address;
  const groups = groupsOf(address.replace(/%.*$/, ""));
  const isZero = (from: number, to: number): boolean => groups.slice(from, to).every((group) => group === 0);
  const [first = 0, second = 0, third = 0] = groups;
  if (isZero(0, 5) && groups[5] === 0xff_ff) return ipv4(groups, 6);
  // A compatible address, `::1.2.3.4`; `::` and `::1` are none.
  if (isZero(0, 6) && groups[6] !== 0) return ipv4(groups, 6);
  if (first === 0x64 && second === 0xff_9b && (isZero(2, 6) || third === 1)) return ipv4(groups, 6);
  if (first === 0x20_02) return ipv4(groups, 1);
  return address;
}

function ipv4(groups: readonly number[], at: number): string {
  return [groups[at] ?? 0, groups[at + 1] ?? 0].flatMap((group) => [group >> 8, group & 0xff]).join(".");
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const inHex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = "", tail] = inHex.split("::");
  const numbers = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [before, after] = [numbers(head), numbers(tail ?? "")];
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}
