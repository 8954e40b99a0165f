/** What can be wrong with an expression: before it is evaluated, and while it is. */

export type ProblemKind =
  // The form of the text.
  | "too_long"
  | "nested_brace"
  | "unclosed_brace"
  | "unexpected_close_brace"
  | "empty_reference"
  | "empty_namespace"
  | "empty_key"
  | "reference_without_dot"
  | "empty_pipe"
  | "unbalanced_paren"
  | "unclosed_paren"
  | "unknown_function"
  | "junk_after_function"
  // What a pipe is called with. These can be known before, too.
  | "unknown_pipe"
  | "arity"
  // The values: `required` without one, and the limits that keep an evaluation short.
  | "required_missing"
  | "value_too_long"
  | "value_too_deep"
  | "pattern_too_long"
  | "too_much_work";

export interface ExpressionProblem {
  readonly kind: ProblemKind;
  /** Where in the expression, in UTF-16 units. */
  readonly offset: number;
  /** What is wrong and what to write instead, without the place. */
  readonly message: string;
}
