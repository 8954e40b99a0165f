/** What is made of YAML or JSON text, or all that is wrong with it, each problem with its place. */
import { formatPath } from "../core/shown.ts";
import { DefinitionError, type DefinitionProblem } from "./problems.ts";
import type { Target } from "./walk.ts";
import { type Reading, readYaml } from "./yaml.ts";

/** A problem, and the place that it is about: a value, or the name of a field. */
export interface Found extends Target {
  readonly message: string;
}

export type Made<T> = { readonly made: T } | { readonly problems: readonly Found[] };

export interface TextOptions {
  /** Name of the file, for messages. */
  readonly file?: string;
  /** What the text has to have, for when it has nothing; without it, nothing is as good as an empty map. */
  readonly expected?: string;
}

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Makes something of the value that the text stands for. Throws `DefinitionError` with every problem. */
export function parseText<T>(
  text: string,
  { file, expected }: TextOptions,
  make: (value: unknown, placesOf: (targets: readonly Target[]) => Place[]) => Made<T>,
): T {
  const fail = (problems: readonly DefinitionProblem[]): never => {
    throw new DefinitionError(file === undefined ? problems : problems.map((each) => ({ file, ...each })));
  };
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const reading = readYaml(source);
  if ("problem" in reading) {
    const { problem, offset } = reading;
    const place = offset === undefined ? {} : new Lines(source).placeOf(offset);
    return fail([{ ...place, path: "", message: problem }]);
  }
  const isEmpty = (reading.value ?? undefined) === undefined;
  if (isEmpty && expected !== undefined) return fail([{ path: "", message: `is empty; ${expected}` }]);
  const result = make(isEmpty ? {} : reading.value, (targets) => {
    const lines = new Lines(source);
    return reading.offsetsOf(targets).map((offset) => lines.placeOf(offset));
  });
  if ("made" in result && reading.repeated.length === 0) return result.made;
  return fail(withPlaces("made" in result ? [] : result.problems, reading, source));
}

function withPlaces(found: readonly Found[], reading: Reading, source: string): DefinitionProblem[] {
  const offsets = reading.offsetsOf(found);
  const repeated = reading.repeated.map(({ name, path, offset }) => {
    return { path, message: `'${name}' is there twice in this map`, offset };
  });
  const lines = new Lines(source);
  return [...found.map((each, i) => ({ ...each, offset: offsets[i] ?? 0 })), ...repeated]
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ path, message, offset }) => ({ ...lines.placeOf(offset), path: formatPath(path), message }));
}

/** Where the lines of a text begin. */
class Lines {
  readonly #starts = [0];

  constructor(text: string) {
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) {
      this.#starts.push(end + 1);
    }
  }

  placeOf(offset: number): Place {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }
}
