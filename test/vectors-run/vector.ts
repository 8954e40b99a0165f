/** Test vectors: files of cases that say what is to come out, for any implementation. */
import type { JsonValue } from "../../internal/core/json.ts";

/** One case; what else it has depends on its file. */
export interface Vector {
  readonly id: string;
  readonly tags?: readonly string[];
  readonly [field: string]: JsonValue | readonly string[] | undefined;
}

/** How the cases of a file are run. */
export interface VectorRunner {
  /** `expressions.json`. */
  readonly file: string;
  /** Told beside the file's name, where there is more than one way to run it. */
  readonly way?: string;
  /** What is not as the case says, a line each; nothing where it passes. A case that makes it throw has failed. */
  readonly run: (vector: Vector) => readonly string[] | Promise<readonly string[]>;
  /** After the last case of a file: lets go of what the cases had in common. */
  readonly close?: () => Promise<void>;
  /**
   * Where answers of a whole kind have changed since the cases were made: whether a case that did not pass differs in
   * this alone. It then counts as answered otherwise on purpose.
   */
  readonly otherwise?: (vector: Vector) => boolean;
}

/** A line for each field that differs. */
export function differences(
  actual: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): string[] {
  return Object.keys(wanted).flatMap((field) => {
    const [got, want] = [shown(actual[field]), shown(wanted[field])];
    return got === want ? [] : [`${field}: wanted ${want}, got ${got}`];
  });
}

/** As JSON, with the keys of objects in one order. */
function shown(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, (_key, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
  return text ?? "nothing";
}
