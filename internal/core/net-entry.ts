/** What `--allow-net` may name: words, addresses and networks, hosts. */

const WORDS = ["public", "private", "any"] as const;
export type NetWord = (typeof WORDS)[number];

export type NetEntry =
  | { readonly kind: "word"; readonly word: NetWord }
  /** `address/bits`, or an address; without a zone. */
  | { readonly kind: "network"; readonly network: string; readonly isAddress: boolean }
  /** In small letters; `*.` before it stands for all names under it. */
  | { readonly kind: "host"; readonly host: string };

const RULE =
  "public, private, any, a host name such as api.example.com or *.example.com, an address or a network such as 10.0.0.0/8";
const HOST = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/;

/** Reads an entry; the message of what is wrong with it otherwise. */
export function readNetEntry(text: string): NetEntry | string {
  const entry = withoutBrackets(text.trim().toLowerCase());
  const word = WORDS.find((each) => each === entry);
  if (word !== undefined) return { kind: "word", word };
  if (isNetwork(entry)) return { kind: "network", network: entry, isAddress: !entry.includes("/") };
  // What is made of digits and dots alone is an address that was mistyped.
  if (HOST.test(entry) && !/^[\d.]+$/.test(entry)) return { kind: "host", host: entry };
  return `'${text}' is none of ${RULE}`;
}

/** URLs have them around an address of IPv6. */
function withoutBrackets(entry: string): string {
  const address = /^\[(.*)\]$/.exec(entry)?.[1];
  return address !== undefined && isIPv6(address) ? address : entry;
}

function isNetwork(entry: string): boolean {
  const [address = "", bits, ...more] = entry.split("/");
  const width = IPV4.test(address) ? 32 : isIPv6(address) ? 128 : undefined;
  if (width === undefined || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width);
}

const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);

/** Eight groups in hexadecimal, of which the last two may be written as IPv4, and `::` once for one or more that are 0. */
function isIPv6(address: string): boolean {
  const parts = address.split("::");
  if (parts.length > 2) return false;
  // Only the end of the whole address may be IPv4.
  if (parts.length === 2 && parts[0]?.includes(".") === true) return false;
  const count = parts.reduce((sum, part) => sum + groupsOf(part), 0);
  return parts.length === 2 ? count <= 7 : count === 8;
}

/** How many groups these are; NaN for what is none. */
function groupsOf(text: string): number {
  if (text === "") return 0;
  const groups = text.split(":");
  const inDecimal = IPV4.test(groups.at(-1) ?? "") ? 1 : 0;
  const inHex = groups.slice(0, groups.length - inDecimal);
  return inHex.every((group) => /^[\da-f]{1,4}$/.test(group)) ? inHex.length + 2 * inDecimal : Number.NaN;
}
