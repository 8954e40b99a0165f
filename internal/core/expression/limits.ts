/** How much an expression may be and do. Nothing here can be set: who needs more has a task do it. */

/** Characters of an expression. */
export const MAX_EXPRESSION = 65_536;

/** Characters of a text that goes into a pipe or comes out of an expression; bytes of a `list()` as JSON. */
export const MAX_TEXT = 1_048_576;

/** Characters of a pattern. */
export const MAX_PATTERN = 1_000;

/**
 * Steps of one evaluation, of some tens of nanoseconds each: some for each character of a text and each item of a list
 * that a pipe goes over, and for a pattern at each character as many as it has parts.
 */
export const MAX_STEPS = 16_777_216;

/** Steps of all evaluations for one task instance. */
export const MAX_STEPS_OF_TASK = 8 * MAX_STEPS;

/** Bytes, as JSON, of all values that expressions and bindings give one task instance. */
export const MAX_VALUES_OF_TASK = 67_108_864;

export const STEPS_FOR_EACH = 4;

/** For each character of a pattern that is read: classes such as `\pL` are large. */
export const STEPS_TO_COMPILE = 2_000;
