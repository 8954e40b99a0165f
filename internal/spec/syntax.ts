/** The parser's words for syntax errors, put so that a person sees what to do. */

const INDENTATION = "bad indentation of a mapping entry";
const TAB = "tab characters must not be used in indentation";
const NOT_FITTING = "end of the stream or a document separator is expected";
const NO_COMMA = "missed comma between flow collection entries";
const STAR = "a value that begins with * must be in quotes";

const EXPLAINED: Readonly<Record<string, string>> = {
  [INDENTATION]:
    "this does not fit what stands before it; is the indentation right, and is the value in quotes if it needs them?",
  [NOT_FITTING]: "this does not fit what stands before it; are the indentation and all quotes right?",
  "deficient indentation": "a quote or bracket before this is not closed, or this is not indented enough",
  "expected ':' after a mapping key": "a name without a value; write 'name: value'",
  [NO_COMMA]: "a comma or a closing bracket is missing before this",
  "expected the node content, but found ','": "a value is missing before this comma",
  [TAB]: "a tab cannot indent YAML; use blanks",
  "the stream contains non-printable characters":
    'a control character; write it as an escape in double quotes, like "\\x07"',
  "unknown escape sequence":
    "unknown escape; write \\\\ for a backslash, or use single quotes, which have no escapes",
  "unexpected end of the stream within a flow collection": "a bracket is not closed before the text ends",
  "unexpected end of the stream within a double quoted scalar": "a quote is not closed before the text ends",
  "unexpected end of the stream within a single quoted scalar": "a quote is not closed before the text ends",
  "name of an alias node must contain at least one character": STAR,
  "object-based map does not support complex keys": "the name of a field must be text",
};

/** `offset` is where the parser stopped. */
export function explainSyntax(reason: string, text: string, offset: number): string {
  return explainByPlace(reason, text, offset) ?? EXPLAINED[reason] ?? explainByWords(reason) ?? reason;
}

function explainByPlace(reason: string, text: string, offset: number): string | undefined {
  const before = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset + 1);
  if (reason === NO_COMMA || reason === INDENTATION || reason === NOT_FITTING) {
    // As cron texts do: */5 * * * * is the alias */5, and then nonsense.
    if (/(?:^|[:[{,-])\s+\*\S+\s+\S$/.test(before)) return STAR;
  }
  if (reason !== INDENTATION && reason !== NOT_FITTING) return undefined;
  if (/^ *\t/.test(before)) return EXPLAINED[TAB];
  const mark = text[offset] ?? "";
  if (mark === ":") return "a value with ': ' in it must be in quotes";
  if (mark !== "" && "@`%".includes(mark)) return `a value that begins with ${mark} must be in quotes`;
  return undefined;
}

function explainByWords(reason: string): string | undefined {
  if (reason.startsWith("nesting exceeded")) return "lists and maps are nested more than 100 deep";
  const alias = /^unidentified alias "(.*)"$/.exec(reason)?.[1];
  if (alias !== undefined) return `there is no &${alias} before this *${alias}`;
  const tag = /^unknown (?:scalar|sequence|mapping) tag !<(.*)>$/.exec(reason)?.[1];
  if (tag !== undefined) return `unknown tag '${tag}'; leave it out`;
  return undefined;
}
