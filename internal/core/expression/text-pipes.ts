/** Pipes from text to text. */
import { ofText, type Pipe, readInteger } from "./pipe.ts";
import type { Work } from "./work.ts";

export const TEXT_PIPES = {
  upper: ofText((text) => text.toUpperCase()),
  lower: ofText((text) => text.toLowerCase()),
  trim: ofText((text) => text.trim()),
  title: ofText(titleCase),
  strip: stripping({ start: true, end: true }),
  lstrip: stripping({ start: true, end: false }),
  rstrip: stripping({ start: false, end: true }),
  prepend: { arity: [0, 1], apply: (value, [text = ""], work) => text + work.text(value) },
  append: { arity: [0, 1], apply: (value, [text = ""], work) => work.text(value) + text },
  replace: {
    arity: [1, 2],
    apply: (value, [old = "", by = ""], work) => replaced(work.text(value), { old, by }, work),
  },
  truncate: { arity: [0, 1], apply: (value, [length = "100"], work) => cut(work.text(value), length) },
  match: { arity: [0, 1], apply: (value, [source = ""], work) => matched(work.text(value), source, work) },
} as const satisfies Record<string, Pipe>;

/** The first letter of each run of them upper, all others lower. */
export function titleCase(text: string): string {
  return text.replaceAll(/\p{Cased}+/gu, capitalized);
}

function capitalized(word: string): string {
  const [head = ""] = word;
  const [first = "", ...more] = head.toUpperCase();
  return first + (more.join("") + word.slice(head.length)).toLowerCase();
}

/** Takes blanks off the ends, or any of the characters that are given. */
function stripping(ends: { readonly start: boolean; readonly end: boolean }): Pipe {
  return {
    arity: [0, 1],
    apply: (value, [characters], work) => {
      const text = work.text(value);
      const from = ends.start ? text.length - afterLeading(text, characters).length : 0;
      const to = ends.end ? beforeTrailing(text, characters).length : text.length;
      return text.slice(from, to);
    },
  };
}

function afterLeading(text: string, characters: string | undefined): string {
  if (characters === undefined) return text.trimStart();
  const taken = new Set(characters);
  let from = 0;
  for (const character of text) {
    if (!taken.has(character)) break;
    from += character.length;
  }
  return text.slice(from);
}

function beforeTrailing(text: string, characters: string | undefined): string {
  if (characters === undefined) return text.trimEnd();
  const taken = new Set(characters);
  let to = text.length;
  for (;;) {
    const [pair = ""] = text.slice(Math.max(0, to - 2), to);
    const length = to > 1 && pair.length === 2 ? 2 : 1;
    if (to === 0 || !taken.has(text.slice(to - length, to))) return text.slice(0, to);
    to -= length;
  }
}

function replaced(
  text: string,
  { old, by }: { readonly old: string; readonly by: string },
  work: Work,
): string {
  // Without anything to look for it stands around each character, also of those that take two units.
  const pieces = old === "" ? ["", ...Array.from(text), ""] : text.split(old);
  work.allow(text.length - (old.length - by.length) * (pieces.length - 1));
  return pieces.join(by);
}

/** By characters, not by units; a negative length is counted from the end. */
function cut(text: string, length: string): string {
  const characters = readInteger(length);
  if (characters === undefined || characters >= text.length) return text;
  const hasPairs = /[\uD800-\uDBFF]/.test(text);
  return hasPairs ? Array.from(text).slice(0, characters).join("") : text.slice(0, characters);
}

function matched(text: string, source: string, work: Work): string {
  const pattern = source === "" ? undefined : work.pattern(source);
  return pattern === undefined ? "" : work.search(pattern, text);
}
