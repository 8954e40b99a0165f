/** Problems that zod finds, in the words of this project. */
import type { z } from "zod";
import { isExpressed, WHERE_EXPRESSED } from "../core/expressed.ts";
import { formatPath } from "../core/shown.ts";
import { unknownField } from "./problems.ts";
import type { Found } from "./text.ts";

/** Of each kind; a text with more of them is something else than a definition. */
export const MAX_PROBLEMS = 1_000;

/** What zod found, told to a person; `allowed` has the names that may stand in the map at a path. */
export function explain(
  issue: z.core.$ZodIssue,
  allowed: (path: readonly PropertyKey[]) => string[],
): Found[] {
  if (isMisplaced(issue))
    return [told({ path: issue.path, message: `${NO_EXPRESSION}: ${WHERE_EXPRESSED}` })];
  if (issue.code === "invalid_union") {
    const within = issue.errors.find((issues) => issues.some(isWithin));
    if (within !== undefined)
      return within.flatMap((each) => explain({ ...each, path: [...issue.path, ...each.path] }, allowed));
  }
  if (issue.code === "unrecognized_keys") return unknownIn(issue.path, issue.keys, allowed(issue.path));
  return [told(issue)];
}

const NO_EXPRESSION = "cannot be an expression";

/** Where something else is wanted. A binding may have an expression, and lacks the field that says so. */
function isMisplaced(issue: z.core.$ZodIssue): boolean {
  const lacksKind = issue.code === "invalid_union" && issue.errors.length === 0;
  return isExpressed(issue.input) && !lacksKind;
}

/** A problem with the name of what it is about. */
export function told({
  path,
  message,
}: {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}): Found {
  const field = path.findLast((part) => typeof part === "string");
  const item = typeof path.at(-1) === "number" ? formatPath(path.slice(-2)) : field;
  return {
    path,
    message: item === undefined ? `the definition ${message}` : `${item}: ${message}`,
    atKey: false,
  };
}

/** Of the forms that a field may have, the one that was meant has its problems further in. */
function isWithin(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === "unrecognized_keys";
}

function unknownIn(path: readonly PropertyKey[], keys: readonly string[], allowed: string[]): Found[] {
  return keys.slice(0, MAX_PROBLEMS).map((key) => {
    return { path: [...path, key], message: unknownField(key, allowed), atKey: true };
  });
}
