/** An expression, read once: text with references in braces, such as `report-{load.name | lower}.csv`. */

export interface Expression {
  /** In order; none for the empty text. */
  readonly parts: readonly Part[];
}

/** Text as it stands, without its escapes, or what stands in one pair of braces. */
export type Part = string | Placeholder;

export interface Placeholder {
  readonly source: Reference | List;
  /** Left to right. */
  readonly calls: readonly PipeCall[];
  /** Of its `{`, in UTF-16 units from the begin of the expression, as all offsets are. */
  readonly offset: number;
}

/** `namespace.key`: a key may hold dots, and is one name for all that. */
export interface Reference {
  readonly namespace: string;
  readonly key: string;
}

/** `list(a.x, b.y)`. */
export interface List {
  readonly items: readonly Reference[];
}

/** `| name(args)`. */
export interface PipeCall {
  readonly name: string;
  readonly args: readonly string[];
  readonly offset: number;
}

/** What stands before the dot for the run's input and for the task's own config; anything else is a task. */
export const INPUT = "input";
export const CONFIG = "config";

export const isList = (source: Reference | List): source is List => "items" in source;
