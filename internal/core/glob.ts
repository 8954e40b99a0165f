/**
 * Patterns of paths below a folder: `*`, `?` and `[a-z]` within a name, `**` for any folders, `\` before a character that
 * is meant as it is. What begins with a dot is only meant by what begins with one.
 *
 * No pattern can be made to run away: how far a path has got in it is a set of places, and a name is gone over once for
 * each of them. So whoever goes through folders knows too which of them need not be looked into.
 */
export interface Glob {
  /** As it was written. */
  readonly text: string;
  readonly parts: readonly Part[];
  /** Without wildcards: the one path that it means. */
  readonly path?: string;
}

/** What one name is like, or any folders. */
type Part = readonly Token[] | "folders";

/** A character as it stands, or one that is among some; `undefined` is any text. */
type Token = string | ((char: string) => boolean) | undefined;

/** Places in a pattern that the names so far lead to, in order. */
export type Progress = readonly number[];

const MAX_LENGTH = 1_024;
const ANYTHING: readonly Token[] = [undefined];

/** The pattern, or why it is none; the rest of a sentence. */
export function parseGlob(text: string): Glob | string {
  if (text === "") return "must be a path, or a pattern of paths, such as out/*.csv";
  if (text.length > MAX_LENGTH) return `has ${text.length} characters; at most ${MAX_LENGTH} are allowed`;
  if (text.includes("\0")) return "has a NUL character, which no path has";
  if (text.startsWith("/")) return "begins with /: write it from the task's own folder on";
  const names = text.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes(".."))
    return "must not have .. in it: nothing outside of the task's own folder is taken";
  if (names.length === 0 || text.endsWith("/"))
    return "names a folder: for all that is in it write folder/**";
  const parts: Part[] = [];
  for (const name of names) {
    const part = name === "**" ? "folders" : readName(name);
    if (typeof part === "object" && "problem" in part) return part.problem;
    parts.push(part);
  }
  if (parts.at(-1) === "folders") parts.push(ANYTHING);
  return { text, parts, ...(parts.every(isPlain) ? { path: parts.map(textOf).join("/") } : {}) };
}

function isPlain(part: Part): part is readonly string[] {
  return part !== "folders" && part.every((token) => typeof token === "string");
}

function textOf(part: readonly string[]): string {
  return part.join("");
}

function readName(name: string): readonly Token[] | { readonly problem: string } {
  const tokens: Token[] = [];
  const chars = Array.from(name);
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] ?? "";
    if (char === "*") {
      // Several in a row mean no more than one.
      if (tokens.length === 0 || tokens.at(-1) !== undefined) tokens.push(undefined);
    } else if (char === "?") tokens.push(isAny);
    else if (char === "[") {
      const set = readSet(chars, i);
      if (set === undefined) return { problem: "has a [ without a ]: write \\[ for the character itself" };
      tokens.push(set.has);
      i = set.end;
    } else if (char === "{" || char === "}") {
      const advice = `write a pattern for each alternative, or \\${char} for the character itself`;
      return { problem: `has a ${char}: ${advice}` };
    } else if (char === "\\") {
      const meant = chars[++i];
      if (meant === undefined) return { problem: "ends with a \\: write \\\\ for the character itself" };
      tokens.push(meant);
    } else tokens.push(char);
  }
  return tokens;
}

function isAny(): boolean {
  return true;
}

/** `[abc]`, `[a-z]`, and `[!a-z]` or `[^a-z]` for all others. */
function readSet(
  chars: readonly string[],
  from: number,
): { readonly has: (char: string) => boolean; readonly end: number } | undefined {
  const isNegated = chars[from + 1] === "!" || chars[from + 1] === "^";
  const first = from + (isNegated ? 2 : 1);
  // A ] that comes first stands for itself.
  const end = chars.indexOf("]", first + 1);
  if (end === -1) return undefined;
  const ranges: (readonly [low: number, high: number])[] = [];
  for (let i = first; i < end; i++) {
    const low = codeOf(chars[i]);
    const isRange = chars[i + 1] === "-" && i + 2 < end;
    ranges.push([low, isRange ? codeOf(chars[i + 2]) : low]);
    if (isRange) i += 2;
  }
  const has = (char: string): boolean => {
    const code = codeOf(char);
    return ranges.some(([low, high]) => low <= code && code <= high) !== isNegated;
  };
  return { has, end };
}

function codeOf(char = ""): number {
  return char.codePointAt(0) ?? 0;
}

/** Where a path begins. */
export function begin(glob: Glob): Progress {
  return closed(glob, [0]);
}

/** Where this name leads to; nowhere: nothing that begins so is meant. */
export function advance(glob: Glob, progress: Progress, name: string): Progress {
  const chars = Array.from(name);
  const next: number[] = [];
  for (const place of progress) {
    const part = glob.parts[place];
    if (part === undefined) continue;
    if (part === "folders") {
      if (chars[0] !== ".") next.push(place);
    } else if (isNameOf(part, chars)) next.push(place + 1);
  }
  return closed(glob, next);
}

/** The path so far is meant. */
export function isMeant(glob: Glob, progress: Progress): boolean {
  return progress.includes(glob.parts.length);
}

export function isMatch(glob: Glob, path: string): boolean {
  const progress = path.split("/").reduce((at, name) => advance(glob, at, name), begin(glob));
  return isMeant(glob, progress);
}

/** Any folders may be none. */
function closed({ parts }: Glob, places: readonly number[]): Progress {
  const all = new Set<number>();
  for (const place of places) {
    for (let at = place; ; at++) {
      all.add(at);
      if (parts[at] !== "folders") break;
    }
  }
  return [...all];
}

/** When the rest does not fit, the last `*` that was met takes one character more; those before it need not change. */
function isNameOf(tokens: readonly Token[], chars: readonly string[]): boolean {
  // A wildcard does not mean a dot at the beginning.
  if (chars[0] === "." && tokens[0] !== ".") return false;
  let [at, i] = [0, 0];
  let star = -1;
  let taken = 0;
  while (i < chars.length) {
    const token = tokens[at];
    if (at < tokens.length && token === undefined) {
      star = at++;
      taken = i;
    } else if (token !== undefined && isOne(token, chars[i] ?? "")) {
      at++;
      i++;
    } else {
      if (star === -1) return false;
      at = star + 1;
      i = ++taken;
    }
  }
  while (at < tokens.length && tokens[at] === undefined) at++;
  return at === tokens.length;
}

function isOne(token: Exclude<Token, undefined>, char: string): boolean {
  return typeof token === "string" ? token === char : token(char);
}
