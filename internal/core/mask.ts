/**
 * Takes the values of secrets out of what a task says: `***` stands in their places.
 *
 * Values below four bytes are left: they would be found everywhere.
 */
import { ByteSearch, type Found } from "./byte-search.ts";
import { splitAtCuts } from "./cut.ts";
import type { JsonValue } from "./json.ts";
import { formsOf } from "./secret-forms.ts";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** What stands in the place of a secret. */
export const MASK = "***";
const MASK_BYTES = ENCODER.encode(MASK);
const NOTHING = new Uint8Array();

export class Mask {
  readonly #patterns: readonly Uint8Array[];
  readonly #search: ByteSearch;
  /** From the end to the begin; made when a text turns up that has its begin cut off. */
  #backwards: ByteSearch | undefined;

  constructor(values: Iterable<string>) {
    const forms = new Set([...values].flatMap((value) => [...formsOf(value)]));
    this.#patterns = [...forms].map((form) => ENCODER.encode(form));
    this.#search = new ByteSearch(this.#patterns);
  }

  /** The same text when there is nothing to mask. One that `isCut` may go on behind its end. */
  text(text: string, isCut = false): string {
    const parts = splitAtCuts(text);
    const last = parts.length - 1;
    const masked = parts.map((part, i) => {
      if (i % 2 === 1) return part;
      return this.#withoutEdges(this.#whole(part), { begin: i > 0, end: i < last || isCut });
    });
    return masked.join("");
  }

  /**
   * Texts and keys however deep, and numbers; those that hold a secret become texts. As outputs have it, a text is cut
   * that has `<key>_truncated` beside it.
   */
  json(value: JsonValue, isCut = false): JsonValue {
    if (typeof value === "string") return this.text(value, isCut);
    if (typeof value === "number") {
      const text = this.text(String(value));
      return text === String(value) ? value : text;
    }
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.json(item));
    const masked = Object.entries(value).map(([key, item]): [string, JsonValue] => {
      return [this.text(key), this.json(item, Object.hasOwn(value, `${key}_truncated`))];
    });
    return Object.fromEntries(masked);
  }

  /** For what comes piece by piece. */
  stream(): MaskedStream {
    return new MaskedStream(this.#search);
  }

  #whole(text: string): string {
    const bytes = ENCODER.encode(text);
    const found = this.#search.scan(bytes, true);
    return found.matches.length === 0 ? text : DECODER.decode(replaced(bytes, found));
  }

  /** Where something was cut off, what is left may end, or begin, in the middle of a secret, and of a character. */
  #withoutEdges(text: string, cut: { readonly begin: boolean; readonly end: boolean }): string {
    let masked = text;
    if (cut.end) {
      const bytes = ENCODER.encode(masked.replace(/\uFFFD+$/, ""));
      masked = DECODER.decode(withoutOpenEnd(bytes, this.#search));
    }
    if (!cut.begin) return masked;
    this.#backwards ??= new ByteSearch(this.#patterns.map((pattern) => pattern.toReversed()));
    const mirrored = ENCODER.encode(masked.replace(/^\uFFFD+/, "")).toReversed();
    return DECODER.decode(withoutOpenEnd(mirrored, this.#backwards).toReversed());
  }
}

/** One stream of bytes. What may be the begin of a secret is held until it is known. */
export class MaskedStream {
  readonly #search: ByteSearch;
  #held: Uint8Array = NOTHING;

  constructor(search: ByteSearch) {
    this.#search = search;
  }

  /** What of it, and of what was held, may be shown by now; the same bytes where nothing is masked or held. */
  take(chunk: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? chunk : joined([this.#held, chunk]);
    const found = this.#search.scan(bytes, false);
    this.#held = found.open === bytes.length ? NOTHING : bytes.slice(found.open);
    return replaced(bytes, found);
  }

  /** What was held. */
  end(): Uint8Array {
    const rest = this.#held;
    this.#held = NOTHING;
    return replaced(rest, this.#search.scan(rest, true));
  }
}

/** The bytes up to those that are open. */
function replaced(bytes: Uint8Array, { matches, open }: Found): Uint8Array {
  if (matches.length === 0) return open === bytes.length ? bytes : bytes.subarray(0, open);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const [begin, end] of matches) {
    parts.push(bytes.subarray(from, begin), MASK_BYTES);
    from = end;
  }
  return joined([...parts, bytes.subarray(from, open)]);
}

/** With a mask at their end when they end in the middle of a match. */
function withoutOpenEnd(bytes: Uint8Array, search: ByteSearch): Uint8Array {
  const { open } = search.scan(bytes, false);
  return open === bytes.length ? bytes : joined([bytes.subarray(0, open), MASK_BYTES]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
