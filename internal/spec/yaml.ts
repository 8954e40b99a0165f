/**
 * YAML and JSON text (JSON is YAML) as a value, and where in the text each part of it stands.
 *
 * The parser gives events that point into the text; the value and the places are made of them. Text that is no
 * YAML costs next to nothing, since it is left at its first error; what would cost too much is refused before.
 */
import {
  constructFromEvents,
  CORE_SCHEMA,
  EVENT_ID,
  type Event,
  mergeTag,
  parseEvents,
  YAMLException,
} from "js-yaml";
import { explainSyntax } from "./syntax.ts";
import { findOffsets, findRepeated, type Repeated, startOf, type Target } from "./walk.ts";

/** Text that could be read. */
export interface Reading {
  /** `undefined` if there is nothing but comments. */
  readonly value: unknown;
  readonly repeated: readonly Repeated[];
  offsetsOf(targets: readonly Target[]): number[];
}

/** Why text could not be read; without an offset it is about all of it. */
export interface Unreadable {
  readonly problem: string;
  readonly offset?: number;
}

/** Lists and maps within each other. */
const MAX_DEPTH = 100;
/** 100,000 tasks with every field have some 4 million; while it is read, each takes about 200 bytes. */
const MAX_VALUES = 5_000_000;

const SCHEMA = CORE_SCHEMA.withTags(mergeTag);

export function readYaml(text: string): Reading | Unreadable {
  if (mayHoldMoreThan(MAX_VALUES, text)) return { problem: `holds more than ${MAX_VALUES} values` };
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const offset = error.mark?.position ?? 0;
    const language = /^\s*[{[]/.test(text) ? "JSON" : "YAML";
    return { problem: `not valid ${language}: ${explainSyntax(error.reason, text, offset)}`, offset };
  }
}

function read(text: string): Reading | Unreadable {
  const events = parseEvents(text, { maxDepth: MAX_DEPTH });
  const second = findSecondDocument(events, text);
  if (second !== undefined)
    return { problem: "a second document begins here; one is allowed", offset: second };
  // `json`: a field that stands twice is told together with all other problems, so it must not end the reading.
  const options = { source: text, schema: SCHEMA, json: true, maxTotalMergeKeys: MAX_VALUES };
  const [value] = constructFromEvents(events, options);
  if (events.some(({ type }) => type === EVENT_ID.ALIAS)) {
    const problem = problemOfAliases(value);
    if (problem !== undefined) return { problem };
  }
  return {
    value,
    repeated: findRepeated(events, text),
    offsetsOf: (targets) => findOffsets(events, text, targets),
  };
}

/** Each value but the first has one of these marks before it. */
function mayHoldMoreThan(limit: number, text: string): boolean {
  let marks = 0;
  for (let i = 0; i < text.length && marks <= limit; i++) {
    const mark = text[i];
    if (mark === ":" || mark === "," || mark === "[" || mark === "{") marks++;
    else if ((mark === "-" || mark === "?") && (text[i + 1] ?? "\n") <= " ") marks++;
  }
  return marks > limit;
}

function findSecondDocument(events: readonly Event[], text: string): number | undefined {
  const at = events.findIndex(({ type }, i) => i > 0 && type === EVENT_ID.DOCUMENT);
  if (at === -1) return undefined;
  const first = events.slice(at, at + 2).map(startOf)[1] ?? text.length;
  return Math.max(0, text.lastIndexOf("---", first));
}

/** What aliases stand for is shared while it is read, but each use of it counts afterwards. */
function problemOfAliases(value: unknown): string | undefined {
  const known = new Map<object, { readonly size: number; readonly depth: number } | undefined>();
  const measure = (part: unknown, level: number): { size: number; depth: number } => {
    if (typeof part !== "object" || part === null) return { size: 1, depth: 0 };
    if (level > MAX_DEPTH) return { size: 1, depth: MAX_DEPTH + 1 };
    const before = known.get(part);
    if (before !== undefined) return before;
    // What is being measured and is met again holds itself.
    if (known.has(part)) return { size: 1, depth: Infinity };
    known.set(part, undefined);
    let size = 1;
    let depth = 0;
    for (const each of Object.values(part)) {
      const inner = measure(each, level + 1);
      size += inner.size;
      depth = Math.max(depth, inner.depth);
    }
    const measured = { size, depth: depth + 1 };
    known.set(part, measured);
    return measured;
  };
  const { size, depth } = measure(value, 0);
  if (depth === Infinity) return "cannot be used: an alias stands within what it stands for";
  if (depth > MAX_DEPTH) return `cannot be used: aliases nest lists and maps more than ${MAX_DEPTH} deep`;
  if (size > MAX_VALUES) return `cannot be used: aliases make it more than ${MAX_VALUES} values`;
  return undefined;
}
