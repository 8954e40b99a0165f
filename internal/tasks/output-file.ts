/** What a command wrote to its output file, wherever it ran. */
import { cutAfter } from "../core/cut.ts";
import type { JsonObject } from "../core/json.ts";

/** The output file is there and cannot be read as output. */
export class BadOutputFile extends Error {}

/**
 * `KEY=value` lines, or one JSON object. Empty lines and comments, which begin with #, count for nothing; a value is
 * taken as it stands, quotes too. Throws `BadOutputFile`, also above `limit` characters.
 */
export function parseOutputFile(text: string, limit: number): JsonObject {
  if (text.length > limit) {
    throw new BadOutputFile(`the output file has ${text.length} characters; at most ${limit} are allowed`);
  }
  return text.trimStart().startsWith("{") ? parseJson(text) : parseLines(text);
}

function parseJson(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch (error) {
    throw new BadOutputFile(
      `the output file begins like a JSON object and is none: ${(error as Error).message}`,
    );
  }
}

function parseLines(text: string): JsonObject {
  const output: JsonObject = {};
  for (const [i, line] of text.split("\n").entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const at = line.indexOf("=");
    if (at <= 0) {
      throw new BadOutputFile(
        `line ${i + 1} of the output file is neither KEY=value nor JSON: ${cutAfter(line, 80)}`,
      );
    }
    output[line.slice(0, at).trim()] = line.slice(at + 1);
  }
  return output;
}
