/**
 * Where tasks may connect to: `public`, `private`, `any`, host names and networks, in any number. Link-local addresses
 * and those of cloud metadata services hand out a machine's credentials, so no general word opens them: the address
 * itself, or a network that it lies in, has to be named.
 *
 * An address counts as what it leads to: IPv4 inside of IPv6 (mapped, NAT64, 6to4) is judged as IPv4. Where it may lead
 * to several, all of them must be open.
 */
import { isIP } from "node:net";
import { type NetEntry, type NetWord, readNetEntry } from "../core/net-entry.ts";
import { destinationsOf, Networks, withoutZone } from "./addresses.ts";

/** All that IPv6 has given to the Internet so far. */
const GLOBAL_IPV6 = new Networks(["2000::/3"]);

/** Of the rest, special-purpose networks (IANA registries for IPv4 and IPv6) that are not reached over the Internet, or are of use to protocols alone. */
const SPECIAL = new Networks([
  "0.0.0.0/8", // this network
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // relays of 6to4
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
  "2001::/23", // protocol assignments
  "2001:db8::/32", // documentation
  "3fff::/20", // documentation
]);

const PRIVATE = new Networks([
  "127.0.0.0/8", // loopback
  "::1", // loopback
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10", // shared by the customers of a provider
  "fc00::/7", // unique local
]);

const TO_BE_NAMED = new Networks([
  "169.254.0.0/16", // link-local: most metadata services
  "fe80::/10", // link-local
  "fd00:ec2::/32", // AWS
  "fd20:ce::254", // Google
  "fd00:c1::a9fe:a9fe", // Oracle
  "192.0.0.192", // Oracle
  "168.63.129.16", // Azure
  "100.100.100.200", // Alibaba
  "fd00:42::42", // Scaleway
  "fd00:a9fe:a9fe::1", // Linode
]);

export class NetPolicy {
  readonly #entries: readonly string[];
  readonly #words = new Set<NetWord>();
  readonly #networks = new Networks();
  /** Of these, those that are one address. */
  readonly #addresses = new Networks();
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
      const read = readNetEntry(entry);
      if (typeof read === "string") return read;
      policy.#add(read);
    }
    return policy;
  }

  /** Whether this address may be connected to, as one that this host name stands for. */
  allows(address: string, host: string): boolean {
    const own = withoutZone(address);
    if (this.#addresses.has(own)) return true;
    const destinations = destinationsOf(own);
    const isNamed = (each: string): boolean => this.#networks.has(each);
    if (!destinations.filter(hasToBeNamed).every(isNamed)) return false;
    if (isNamed(own) || destinations.every(isNamed)) return true;
    if (this.#words.has("any") || this.#isHostNamed(host.toLowerCase())) return true;
    return destinations.every((each) => this.#isOpen(each));
  }

  /** Why none of the addresses that a host stands for may be connected to. */
  refusal(addresses: readonly string[], host: string): string {
    const name = addresses.includes(host) ? "" : `${host} is ${addresses.join(", ")}: `;
    const open = `--allow-net of this worker (${this.#entries.join(",")}) does not open ${addresses.join(", ")}`;
    const isSpecial = addresses.some((address) => destinationsOf(withoutZone(address)).some(hasToBeNamed));
    return `${name}${open}${isSpecial ? "; link-local and metadata addresses have to be named there" : ""}`;
  }

  #add(entry: NetEntry): void {
    switch (entry.kind) {
      case "word":
        this.#words.add(entry.word);
        break;
      case "network":
        this.#networks.add(entry.network);
        if (entry.isAddress) this.#addresses.add(entry.network);
        break;
      case "host":
        this.#hosts.add(entry.host);
    }
  }

  #isOpen(address: string): boolean {
    if (PRIVATE.has(address)) return this.#words.has("private");
    return this.#words.has("public") && isPublic(address);
  }

  #isHostNamed(host: string): boolean {
    if (this.#hosts.has(host)) return true;
    for (let dot = host.indexOf("."); dot !== -1; dot = host.indexOf(".", dot + 1)) {
      if (this.#hosts.has(`*${host.slice(dot)}`)) return true;
    }
    return false;
  }
}

function hasToBeNamed(address: string): boolean {
  return TO_BE_NAMED.has(address);
}

function isPublic(address: string): boolean {
  return !SPECIAL.has(address) && (isIP(address) === 4 || GLOBAL_IPV6.has(address));
}
