/** How much an expression may be and do. Nothing here can be set: who needs more has a task do it. */

/** Characters of an expression. */
export const MAX_EXPRESSION = 65_536;

/** Characters of a text that goes into a pipe or comes out of an expression; bytes of a `list()` as JSON. */
export const MAX_TEXT = 1_048_576;

/** Characters of a pattern. */
export const MAX_PATTERN = 1_000;

/**
 * Steps of one evaluation: about one for each character that a pipe reads, for a pattern one for each of its parts at
 * each character. So many take some tenths of a second at the worst.
 */
export const MAX_STEPS = 16_777_216;

/** Steps that it takes to read one character of a pattern: classes such as `\pL` are large. */
export const STEPS_TO_COMPILE = 2_000;
