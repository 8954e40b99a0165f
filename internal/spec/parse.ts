/** Definitions from text, YAML or JSON, with the place of every problem. */
import { readFile, stat } from "node:fs/promises";
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument } from "yaml";
import type { Dag } from "../core/model.ts";
import { DefinitionError, type DefinitionProblem, formatPath } from "./problems.ts";
import { examine, type Found, type ReadOptions } from "./read.ts";

export interface ParseOptions extends ReadOptions {
  /** Name of the file, for messages. */
  readonly file?: string;
}

const MIB = 1_024 * 1_024;
const MAX_JSON = 64 * MIB;
/** A YAML file of 100,000 tasks is well below; JSON is read much faster. */
const MAX_YAML = 16 * MIB;
const MAX_LINE = 256 * 1_024;
const MAX_SYNTAX_PROBLEMS = 10;

/** Reads a DAG file. Rejects with `DefinitionError`, also when there is no such file. */
export async function loadDag(file: string, options: ReadOptions = {}): Promise<Dag> {
  return parseDag(await readText(file), { ...options, file });
}

/** The text of a file that may be a definition; refuses what cannot be one before it is read whole. */
export async function readText(file: string): Promise<string> {
  const refuse = (message: string): never => {
    throw new DefinitionError([{ file, path: "", message }]);
  };
  const info = await stat(file).catch((error: NodeJS.ErrnoException) =>
    refuse(error.code === "ENOENT" ? "no such file" : `cannot be read: ${error.message}`),
  );
  if (!info.isFile()) refuse("is not a file");
  if (info.size > MAX_JSON)
    refuse(`has ${Math.round(info.size / MIB)} MiB; at most ${MAX_JSON / MIB} are allowed`);
  const bytes = await readFile(file).catch((error: Error) => refuse(`cannot be read: ${error.message}`));
  const head = bytes.subarray(0, 64 * 1_024);
  if (head.includes(0) || head.toString("utf8").includes("\uFFFD")) refuse("is not a text file (UTF-8)");
  return bytes.toString("utf8");
}

/** Reads a definition from YAML or JSON text. Throws `DefinitionError`. */
export function parseDag(text: string, options: ParseOptions = {}): Dag {
  const value = parseText(text, options);
  const reading = examine(value, options);
  if ("dag" in reading) return reading.dag;
  throw new DefinitionError(withPlaces(reading.problems, text, options.file));
}

/** The value that YAML or JSON text stands for. Throws `DefinitionError` with the place of each syntax error. */
export function parseText(text: string, { file }: { readonly file?: string }): unknown {
  const fail = (message: string): never => {
    throw new DefinitionError([{ ...fileOf(file), path: "", message }]);
  };
  if (text.trim() === "") fail("is empty; a DAG file has at least a name and tasks");
  if (looksLikeJson(text)) {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      if (text.length > MIB) fail(`is not JSON: ${(error as Error).message}`);
    }
  }
  if (text.length > MAX_YAML) {
    fail(
      `has ${Math.round(text.length / MIB)} MiB of YAML; at most ${MAX_YAML / MIB} are allowed (JSON may be larger)`,
    );
  }
  if (longestLine(text) > MAX_LINE) fail("has a line of more than 256 KiB: this is not a DAG file in YAML");
  const { document, problems } = readYaml(text, file);
  if (problems.length > 0) throw new DefinitionError(problems);
  try {
    return document.toJS({ maxAliasCount: 1_000 }) as unknown;
  } catch (error) {
    return fail(`cannot be used: ${(error as Error).message}`);
  }
}

function looksLikeJson(text: string): boolean {
  return /^\s*[{[]/.test(text.slice(0, 1_000));
}

function longestLine(text: string): number {
  let longest = 0;
  for (let from = 0; from < text.length;) {
    const end = text.indexOf("\n", from);
    const to = end === -1 ? text.length : end;
    longest = Math.max(longest, to - from);
    from = to + 1;
  }
  return longest;
}

function readYaml(
  text: string,
  file: string | undefined,
): { document: Document; problems: DefinitionProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2" });
  const problems = document.errors.slice(0, MAX_SYNTAX_PROBLEMS).map((error): DefinitionProblem => {
    const { line, col } = lines.linePos(error.pos[0]);
    return {
      ...fileOf(file),
      line,
      column: col,
      path: "",
      message: explainSyntax(error.code, error.message),
    };
  });
  return { document, problems };
}

function explainSyntax(code: string, message: string): string {
  switch (code) {
    case "DUPLICATE_KEY":
      return "this field is there twice";
    case "MULTIPLE_DOCS":
      return "a second document begins here; a DAG file has one";
    case "TAB_AS_INDENT":
      return "a tab cannot indent YAML; use blanks";
    default:
      return `not valid YAML: ${message}`;
  }
}

function withPlaces(problems: readonly Found[], text: string, file: string | undefined): DefinitionProblem[] {
  const lines = new LineCounter();
  const document =
    text.length > MAX_YAML ? undefined : parseDocument(text, { lineCounter: lines, prettyErrors: false });
  return problems
    .map((problem): DefinitionProblem => {
      const base = { ...fileOf(file), path: formatPath(problem.path), message: problem.message };
      const offset = document === undefined ? undefined : offsetOf(document, problem);
      if (offset === undefined) return base;
      const { line, col } = lines.linePos(offset);
      return { ...base, line, column: col };
    })
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

/** Where the value stands, or the name of its field; for what is missing, where it would belong. */
function offsetOf(document: Document, { path, atKey }: Found): number | undefined {
  const keys = path as (string | number)[];
  if (atKey) {
    const parent = keys.length === 1 ? document.contents : document.getIn(keys.slice(0, -1), true);
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && item.key.value === keys.at(-1))
      : undefined;
    if (isPair(pair) && isNode(pair.key)) return pair.key.range?.[0];
  }
  for (let length = keys.length; length > 0; length--) {
    const node = document.getIn(keys.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function fileOf(file: string | undefined): { file?: string } {
  return file === undefined ? {} : { file };
}
