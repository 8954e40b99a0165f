/** Runs the files of test vectors in a folder, and counts. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonValue } from "../../internal/core/json.ts";
import { isMap } from "../../internal/core/not-json.ts";
import type { Vector, VectorRunner } from "./vector.ts";

/** The answers that we give on purpose where a case wants the text form of another language. */
export const REBASELINED = "rebaselined.json";
const TAG = "pyism";

/** What a case wants instead: some of its fields, and the reason. */
interface Instead {
  readonly why: string;
  readonly [field: string]: JsonValue;
}

/** By the ids of cases. */
export type Rebaselined = Readonly<Record<string, Instead>>;

export interface FileReport {
  readonly name: string;
  /** The answers that were wanted, as the file has them. */
  readonly passed: number;
  /** The answers that were wanted instead, and those of a kind that has changed. */
  readonly rebaselined: number;
  /** Ids of those that want such a text form, and nobody has said yet what instead: not run. */
  readonly open: readonly string[];
  readonly failed: readonly { readonly id: string; readonly differences: readonly string[] }[];
}

/** What came of a file; `undefined` for one that the folder does not have. Rejects when it is none of cases. */
export async function runFile(
  folder: string,
  runner: VectorRunner,
  rebaselined: Rebaselined,
): Promise<FileReport | undefined> {
  const path = join(folder, runner.file);
  const vectors = await readJson<readonly Vector[]>(path);
  if (vectors === undefined) return undefined;
  const isList =
    Array.isArray(vectors) && vectors.every((each: unknown) => isMap(each) && each.id !== undefined);
  if (!isList) throw new Error(`cannot run ${path}: it is not a list of cases, each with an id`);
  try {
    return await runAll(vectors, runner, rebaselined);
  } finally {
    await runner.close?.();
  }
}

async function runAll(
  vectors: readonly Vector[],
  runner: VectorRunner,
  rebaselined: Rebaselined,
): Promise<FileReport> {
  const failed: { id: string; differences: readonly string[] }[] = [];
  const open: string[] = [];
  const count = { passed: 0, rebaselined: 0 };
  for (const vector of vectors) {
    const isPyism = vector.tags?.includes(TAG) === true;
    const instead: Partial<Instead> | undefined = isPyism ? rebaselined[vector.id] : {};
    if (instead === undefined) {
      open.push(vector.id);
      continue;
    }
    const { why, ...fields } = instead;
    const differences = await run(runner, { ...vector, ...fields, id: vector.id });
    if (differences.length === 0) count[why === undefined ? "passed" : "rebaselined"]++;
    else if (why === undefined && hasChanged(runner, vector)) count.rebaselined++;
    else failed.push({ id: vector.id, differences });
  }
  return { name: [runner.file, runner.way].filter(Boolean).join(" · "), ...count, open, failed };
}

async function run(runner: VectorRunner, vector: Vector): Promise<readonly string[]> {
  try {
    return await runner.run(vector);
  } catch (error) {
    return [`it threw: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function hasChanged({ otherwise }: VectorRunner, vector: Vector): boolean {
  try {
    return otherwise?.(vector) === true;
  } catch {
    return false;
  }
}

/** An entry in an earlier folder comes before one in a later. */
export async function readRebaselined(...folders: readonly string[]): Promise<Rebaselined> {
  const all = await Promise.all(folders.map((folder) => readJson<Rebaselined>(join(folder, REBASELINED))));
  return Object.assign({}, ...all.toReversed()) as Rebaselined;
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
