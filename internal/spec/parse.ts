/** Definitions from files and text, YAML or JSON. */
import type { Dag } from "../core/model.ts";
import { readText } from "./file.ts";
import { examine, type ReadOptions } from "./read.ts";
import { parseText } from "./text.ts";

export interface ParseOptions extends ReadOptions {
  /** Name of the file, for messages. */
  readonly file?: string;
}

/** Reads a DAG file. Rejects with `DefinitionError`, also when there is no such file. */
export async function loadDag(file: string, options: ReadOptions = {}): Promise<Dag> {
  return parseDag(await readText(file), { ...options, file });
}

/** Reads a definition from YAML or JSON text. Throws `DefinitionError`, every problem with its place. */
export function parseDag(text: string, options: ParseOptions = {}): Dag {
  const expected = "a DAG file has at least a name and tasks";
  return parseText(text, { ...options, expected }, (value) => examine(value, options));
}
