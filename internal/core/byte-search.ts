/**
 * Finds any of many patterns in bytes, in one pass: what is looked at for each byte is whether a pattern begins with
 * these four.
 *
 * Line breaks between the bytes of a pattern count for nothing (who prints base64 breaks it into lines), except in
 * patterns so short that columns of output could be taken for one.
 */

export interface Found {
  /** Begin and end of each match, from left to right. */
  readonly matches: readonly (readonly [begin: number, end: number])[];
  /** From here on the bytes could be the begin of a match, with what comes after them; their length when they are not. */
  readonly open: number;
}

interface Pattern {
  /** Without line breaks. */
  readonly bytes: Uint8Array;
  readonly mayBreak: boolean;
}

/** Shorter ones are not looked for. */
export const MIN_PATTERN = 4;
const MIN_BROKEN = 16;
/** A break is `\r\n` at most: what is kept of an open match is bounded. */
const MAX_BREAK = 2;

const HASH_BITS = 12;

const LF = 10;
const CR = 13;

const OPEN = -1;
const NONE = -2;

export class ByteSearch {
  /** By the first four bytes as a number; the longest first. */
  readonly #patterns = new Map<number, Pattern[]>();
  /** For each hash of four bytes, whether a pattern may begin with them: what is mostly asked, and fits into the cache. */
  readonly #filter = new Uint8Array(1 << HASH_BITS);
  /** The first bytes of patterns, up to three; see `numberOf`. */
  readonly #begins = new Set<number>();

  constructor(patterns: Iterable<Uint8Array>) {
    for (const pattern of patterns) this.#add(pattern);
    for (const bucket of this.#patterns.values()) bucket.sort((a, b) => b.bytes.length - a.bytes.length);
  }

  #add(pattern: Uint8Array): void {
    const isOneLine = !pattern.includes(LF) && !pattern.includes(CR);
    const bytes = isOneLine ? pattern : pattern.filter((byte) => byte !== LF && byte !== CR);
    if (bytes.length < MIN_PATTERN) return;
    const first = numberOf(bytes, 0, MIN_PATTERN);
    const mayBreak = bytes.length >= MIN_BROKEN || bytes.length < pattern.length;
    const bucket = this.#patterns.get(first);
    if (bucket === undefined) this.#patterns.set(first, [{ bytes, mayBreak }]);
    else bucket.push({ bytes, mayBreak });
    this.#filter[hashOf(first)] = 1;
    for (let length = 1; length < MIN_PATTERN; length++) this.#begins.add(beginOf(bytes, 0, length));
  }

  /** The matches furthest to the left, of those at one place the longest. With `isLast` nothing comes after the bytes. */
  scan(bytes: Uint8Array, isLast: boolean): Found {
    const filter = this.#filter;
    const matches: [number, number][] = [];
    // The last four bytes that are no line breaks, and where they stand.
    let word = 0;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let seen = 0;
    let breaks = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      if (byte === LF || byte === CR) {
        if (++breaks > MAX_BREAK) seen = 0;
        continue;
      }
      breaks = 0;
      word = (word << 8) | byte;
      a = b;
      b = c;
      c = d;
      d = i;
      if (++seen < MIN_PATTERN || filter[hashOf(word)] === 0) continue;
      const end = this.#endOf(word, { bytes, begin: a, next: d + 1, isLast });
      if (end === NONE) continue;
      if (end === OPEN) return { matches, open: a };
      matches.push([a, end]);
      i = end - 1;
      seen = 0;
    }
    return { matches, open: isLast ? bytes.length : this.#openEnd(bytes, seen) };
  }

  /** Where the longest match ends whose first four bytes are these. */
  #endOf(
    word: number,
    at: {
      readonly bytes: Uint8Array;
      readonly begin: number;
      readonly next: number;
      readonly isLast: boolean;
    },
  ): number {
    const isBroken = at.next - at.begin !== MIN_PATTERN;
    for (const pattern of this.#patterns.get(word) ?? []) {
      if (isBroken && !pattern.mayBreak) continue;
      const end = compare(pattern, at.bytes, at.next);
      if (end >= 0 || (end === OPEN && !at.isLast)) return end;
    }
    return NONE;
  }

  /** Of the last one to three bytes, the longest part that patterns begin with. One that ends in a line break is let go: a line is not held up for so little. */
  #openEnd(bytes: Uint8Array, seen: number): number {
    for (let length = Math.min(seen, MIN_PATTERN - 1); length > 0; length--) {
      const begin = bytes.length - length;
      if (begin >= 0 && this.#begins.has(beginOf(bytes, begin, length))) return begin;
    }
    return bytes.length;
  }
}

/** Where the pattern ends whose first four bytes stand before `from`. */
function compare({ bytes: pattern, mayBreak }: Pattern, bytes: Uint8Array, from: number): number {
  let at = from;
  for (let i = MIN_PATTERN; i < pattern.length; i++) {
    if (mayBreak) at = afterBreak(bytes, at);
    if (at >= bytes.length) return OPEN;
    if (bytes[at] !== pattern[i]) return NONE;
    at++;
  }
  return at;
}

function afterBreak(bytes: Uint8Array, at: number): number {
  let after = at;
  while (after - at < MAX_BREAK && (bytes[after] === LF || bytes[after] === CR)) after++;
  return after;
}

function hashOf(word: number): number {
  return Math.imul(word, 0x9e_37_79_b1) >>> (32 - HASH_BITS);
}

function numberOf(bytes: Uint8Array, begin: number, length: number): number {
  let number = 0;
  for (let i = begin; i < begin + length; i++) number = (number << 8) | (bytes[i] ?? 0);
  return number;
}

/** Tells parts of one, two and three bytes apart too. */
function beginOf(bytes: Uint8Array, begin: number, length: number): number {
  return length * 0x1_00_00_00 + numberOf(bytes, begin, length);
}
