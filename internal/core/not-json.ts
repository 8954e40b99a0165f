/** What JSON can hold, and what it cannot. */
import { shown } from "./shown.ts";

/** Values within values; deeper ones could not be written. */
const MAX_DEPTH = 100;

export interface NotJson {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The parts of a value that JSON has no form for, and the texts in it that `problemOfText` has something against. */
export function notJson(
  value: unknown,
  problemOfText: (text: string) => string | undefined = none,
): NotJson[] {
  const found: NotJson[] = [];
  const path: (string | number)[] = [];
  const complain = (message: string): void => void found.push({ path: [...path], message });
  const look = (part: unknown): void => {
    if (typeof part === "string") {
      const problem = problemOfText(part);
      if (problem !== undefined) complain(problem);
      return;
    }
    if (typeof part === "boolean" || part === null) return;
    if (typeof part === "number" && Number.isFinite(part)) return;
    if (!Array.isArray(part) && !isMap(part)) {
      complain(`must be text, a number, true, false, null, a list or a map, not ${shown(part)}`);
    } else if (path.length >= MAX_DEPTH) {
      complain(`lists and maps are nested more than ${MAX_DEPTH} deep`);
    } else if (Array.isArray(part)) {
      for (const [i, each] of part.entries()) lookInto(i, each);
    } else {
      for (const [key, each] of Object.entries(part)) lookInto(key, each);
    }
  };
  const lookInto = (key: string | number, part: unknown): void => {
    path.push(key);
    look(part);
    path.pop();
  };
  look(value);
  return found;
}

function none(): undefined {
  return undefined;
}

/** A plain object: no list, date or object of a class, which would be written as something else. */
export function isMap(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
