/** Finds places in a text by the events of its parser: those of given paths, and of fields that stand twice. */
import { type Event, EVENT_ID, getScalarValue, SCALAR_STYLE } from "js-yaml";

export type Path = readonly PropertyKey[];

/** What is looked for: the value at a path, or the name of its field. */
export interface Target {
  readonly path: Path;
  readonly atKey: boolean;
}

export interface Repeated {
  readonly name: string;
  readonly path: Path;
  readonly offset: number;
}

/** A part of the value that is looked for, and where it was found. */
interface Wanted {
  readonly parts: Map<string, Wanted>;
  offset?: number;
  keyOffset?: number;
}

/** Fields whose name their map has already. */
export function findRepeated(events: readonly Event[], text: string): Repeated[] {
  const walk = new Walk(events, text);
  walk.document(undefined);
  return walk.repeated;
}

/** The offset of each target; of what is not there, where it would belong. */
export function findOffsets(events: readonly Event[], text: string, targets: readonly Target[]): number[] {
  const root: Wanted = { parts: new Map() };
  for (const { path } of targets) {
    let wanted = root;
    for (const part of path) {
      let next = wanted.parts.get(String(part));
      if (next === undefined) wanted.parts.set(String(part), (next = { parts: new Map() }));
      wanted = next;
    }
  }
  new Walk(events, text).document(root);
  return targets.map((target) => offsetOf(root, target));
}

function offsetOf(root: Wanted, { path, atKey }: Target): number {
  let wanted = root;
  let offset = root.offset ?? 0;
  for (const part of path) {
    const next = wanted.parts.get(String(part));
    if (next?.offset === undefined) return offset;
    wanted = next;
    offset = next.offset;
  }
  return atKey ? (wanted.keyOffset ?? offset) : offset;
}

/** One way through the events of a document. It goes as deep as the text is nested, which the parser limits. */
class Walk {
  readonly repeated: Repeated[] = [];
  readonly #events: readonly Event[];
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(events: readonly Event[], text: string) {
    this.#events = events;
    this.#text = text;
  }

  document(wanted: Wanted | undefined): void {
    this.#at = 1;
    this.#value(wanted);
  }

  #value(wanted: Wanted | undefined): void {
    const event = this.#events[this.#at++];
    if (event === undefined) return;
    if (wanted !== undefined) {
      const start = startOf(event);
      if (start !== undefined) wanted.offset = start;
    }
    if (event.type === EVENT_ID.SEQUENCE) this.#items(wanted);
    else if (event.type === EVENT_ID.MAPPING) this.#fields(wanted);
  }

  #items(wanted: Wanted | undefined): void {
    for (let position = 0; !this.#isAtEnd(); position++) {
      this.#path.push(position);
      this.#value(wanted?.parts.get(String(position)));
      this.#path.pop();
    }
    this.#at++;
  }

  #fields(wanted: Wanted | undefined): void {
    const names = new Set<string>();
    while (!this.#isAtEnd()) {
      const key = this.#events[this.#at];
      const name = key?.type === EVENT_ID.SCALAR ? getScalarValue(this.#text, key) : "";
      const offset = (key && startOf(key)) ?? 0;
      this.#path.push(name);
      if (names.has(name)) this.repeated.push({ name, path: [...this.#path], offset });
      // Several maps may be merged into one.
      else if (name !== "<<") names.add(name);
      this.#value(undefined);
      const field = wanted?.parts.get(name);
      if (field !== undefined) field.keyOffset = field.offset = offset;
      this.#value(field);
      this.#path.pop();
    }
    this.#at++;
  }

  #isAtEnd(): boolean {
    const event = this.#events[this.#at];
    return event === undefined || event.type === EVENT_ID.POP;
  }
}

/** Where a value begins; `undefined` for one that is left out, as in `name:`. */
export function startOf(event: Event): number | undefined {
  switch (event.type) {
    case EVENT_ID.SEQUENCE:
    case EVENT_ID.MAPPING:
      return event.start;
    case EVENT_ID.ALIAS:
      return event.anchorStart - 1;
    case EVENT_ID.SCALAR: {
      if (event.valueStart < 0) return undefined;
      const isQuoted =
        event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
      return isQuoted ? event.valueStart - 1 : event.valueStart;
    }
    case EVENT_ID.DOCUMENT:
    case EVENT_ID.POP:
      return undefined;
  }
}
