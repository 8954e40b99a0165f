/** How a text says that a piece of it was cut out: the one form of it, so that it can be found again. */

/** Such as `[… 12 bytes cut …]`: between what is left. */
export function cutBetween(bytes: number): string {
  return `\n[… ${bytes} bytes cut …]\n`;
}

/** The text up to `limit` characters; what is beyond is cut, and it says so: `[… 12 characters cut]`. */
export function cutAfter(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit)} [… ${text.length - limit} characters cut]`;
}

/**
 * Where a text says so, and where Node does: an error shows `..."a piece"... is not valid JSON`, and a long value ends
 * `'... 12 more characters`.
 */
const MARKS = [
  String.raw`\n\[… \d+ bytes cut …\]\n`,
  String.raw` \[… \d+ characters cut\]`,
  String.raw` \[…\]`,
  String.raw`\.\.\."`,
  String.raw`"\.\.\. is not valid JSON`,
  String.raw`['"\x60]\.\.\. \d+ more characters?`,
];
const MARK = new RegExp(`(${MARKS.join("|")})`);

/** What is left of a text, in turn with the marks between: the odd ones are marks. A text that nothing was cut from is the only one. */
export function splitAtCuts(text: string): string[] {
  return text.split(MARK);
}
