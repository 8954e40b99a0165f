/** The engine for regular expressions: handed in, and one that never backtracks. */

export interface Pattern {
  /** How many steps it takes at most at each character of a text. */
  readonly size: number;
  /** The text of the first match; `undefined` where there is none. */
  readonly find: (text: string) => string | undefined;
}

/** `undefined` for a text that is no pattern. */
export type Patterns = (source: string) => Pattern | undefined;
