/** Reads what stands between two braces: a reference or a `list()`, then pipes. */
import { cutAfter } from "../cut.ts";
import type { List, Part, PipeCall, Reference } from "./expression.ts";
import { closingParen, type Piece, piecesOf, splitArguments, trimmed } from "./pieces.ts";
import type { ExpressionProblem } from "./problem.ts";

export interface Reading {
  readonly parts: Part[];
  /** Every call of a pipe, also those behind a reference that is wrong. */
  readonly calls: PipeCall[];
  readonly problems: ExpressionProblem[];
}

type Problems = ExpressionProblem[];

/** The name touches its parenthesis: with a blank between it is a reference, if an odd one. */
const FUNCTION = /^([\w-]+)\(/;

export function readPlaceholder(
  { inner, offset }: { readonly inner: string; readonly offset: number },
  reading: Reading,
): void {
  const pieces = piecesOf({ text: inner, offset: offset + 1 });
  if ("kind" in pieces) {
    reading.problems.push(pieces);
    return;
  }
  const [first, ...rest] = pieces.map(trimmed);
  const source = first && readSource(first, reading.problems);
  const calls = rest.flatMap((piece) => readCall(piece, reading.problems) ?? []);
  reading.calls.push(...calls);
  if (source !== undefined) reading.parts.push({ source, calls, offset });
}

function readSource(piece: Piece, problems: Problems): Reference | List | undefined {
  const [opening, name] = FUNCTION.exec(piece.text) ?? [];
  if (opening !== undefined) return readFunction({ ...piece, name, open: opening.length - 1 }, problems);
  if (piece.text !== "") return readReference(piece, problems);
  const message = "there is no reference: write {task.key}, {input.key} or {config.key}";
  problems.push({ kind: "empty_reference", offset: piece.offset, message });
  return undefined;
}

function readFunction(
  { text, offset, name, open }: Piece & { readonly name: string | undefined; readonly open: number },
  problems: Problems,
): List | undefined {
  const close = closingParen(text, open);
  if (name !== "list") {
    const message = `unknown function '${cutAfter(name ?? "", 60)}': there is list`;
    problems.push({ kind: "unknown_function", offset, message });
  } else if (close === undefined) {
    problems.push(unclosed(offset + open));
  } else if (close < text.length - 1) {
    const message = "nothing but a pipe may stand behind list( … )";
    problems.push({ kind: "junk_after_function", offset: offset + close + 1, message });
  } else {
    return { items: readItems({ text: text.slice(open + 1, close), offset: offset + open + 1 }, problems) };
  }
  return undefined;
}

/** Blank ones are left out. */
function readItems(piece: Piece, problems: Problems): Reference[] {
  return splitArguments(piece)
    .filter(({ text }) => text !== "")
    .flatMap((item) => readReference(item, problems) ?? []);
}

function readReference({ text, offset }: Piece, problems: Problems): Reference | undefined {
  const dot = text.indexOf(".");
  const shown = cutAfter(text, 60);
  if (dot === -1) {
    const message = `'${shown}' is no reference: write ${shown}.key`;
    problems.push({ kind: "reference_without_dot", offset, message });
  } else if (dot === text.length - 1) {
    const message = `'${shown}' names no key: write ${shown}key`;
    problems.push({ kind: "empty_key", offset, message });
  } else if (dot === 0) {
    const message = `'${shown}' names no task: write task${shown}, input${shown} or config${shown}`;
    problems.push({ kind: "empty_namespace", offset, message });
  } else {
    return { namespace: text.slice(0, dot), key: text.slice(dot + 1) };
  }
  return undefined;
}

function readCall({ text, offset }: Piece, problems: Problems): PipeCall | undefined {
  const open = text.indexOf("(");
  const name = (open === -1 ? text : text.slice(0, open)).trimEnd();
  if (name === "") {
    const message = "there is no pipe behind '|': write its name, or leave out the '|'";
    problems.push({ kind: "empty_pipe", offset, message });
    return undefined;
  }
  if (open === -1) return { name, args: [], offset };
  if (closingParen(text, open) !== text.length - 1) {
    problems.push(unclosed(offset + open));
    return undefined;
  }
  const args = splitArguments({ text: text.slice(open + 1, -1), offset: offset + open + 1 });
  return { name, args: args.map((arg) => arg.text), offset };
}

function unclosed(offset: number): ExpressionProblem {
  const message = "'(' must have its ')', and nothing may stand behind that but the next '|'";
  return { kind: "unclosed_paren", offset, message };
}
