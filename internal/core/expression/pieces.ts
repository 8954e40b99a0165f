/** Cuts what stands in braces into pieces, each of which knows where it begins. */
import type { ExpressionProblem } from "./problem.ts";

export interface Piece {
  readonly text: string;
  readonly offset: number;
}

export function trimmed({ text, offset }: Piece): Piece {
  return { text: text.trim(), offset: offset + text.length - text.trimStart().length };
}

/** What stands between the `|` that are in no parentheses; at least one piece. */
export function piecesOf({ text, offset }: Piece): Piece[] | ExpressionProblem {
  const pieces: Piece[] = [];
  let depth = 0;
  let begin = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "(") depth++;
    else if (character === ")" && depth-- === 0) {
      const message = "')' closes nothing: in arguments, parentheses come in pairs";
      return { kind: "unbalanced_paren", offset: offset + i, message };
    } else if (character === "|" && depth === 0) {
      pieces.push({ text: text.slice(begin, i), offset: offset + begin });
      begin = i + 1;
    }
  }
  pieces.push({ text: text.slice(begin), offset: offset + begin });
  return pieces;
}

/** Where the parenthesis that opens at `open` closes. */
export function closingParen(text: string, open: number): number | undefined {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")" && --depth === 0) return i;
  }
  return undefined;
}

/** An escaped comma, a comma, or all else. */
const TOKEN = /\\,|,|[^\\,]+|\\/g;

/**
 * Arguments without the blanks around them. Each comma ends one, `\,` is a comma; one behind the last comma that is
 * empty does not count, so that `( )` has none and `(,)` has one, which is empty.
 */
export function splitArguments({ text, offset }: Piece): Piece[] {
  const pieces: Piece[] = [];
  let piece = { text: "", offset };
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === ",") {
      pieces.push(trimmed(piece));
      piece = { text: "", offset: offset + index + 1 };
    } else {
      piece.text += token === String.raw`\,` ? "," : token;
    }
  }
  const last = trimmed(piece);
  return last.text === "" ? pieces : [...pieces, last];
}
