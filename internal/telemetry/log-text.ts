/** What tasks printed, for a terminal: colours stay, and nothing else that a terminal would obey. */

const ESCAPE = String.fromCodePoint(0x1b);
const COLOUR = new RegExp(String.raw`${ESCAPE}\[[0-9;:]*m`, "gu");
const CONTROL = /[\p{Cc}]/gu;
const PICTURES = 0x24_00;
const DELETE = 0x7f;
const PICTURE_OF_DELETE = "\u2421";

export const NO_COLOUR = `${ESCAPE}[0m`;
/** Back to the begin of the line, which is then empty. */
export const LINE_ANEW = `\r${ESCAPE}[K`;

/** Control characters are shown as their pictures (U+2400 …), tabs and colours stay. */
export function shownOnTerminal(text: string): string {
  let shown = "";
  let from = 0;
  for (const colour of text.matchAll(COLOUR)) {
    shown += text.slice(from, colour.index).replaceAll(CONTROL, picture) + colour[0];
    from = colour.index + colour[0].length;
  }
  return shown + text.slice(from).replaceAll(CONTROL, picture);
}

export function hasColour(text: string): boolean {
  return text.includes(ESCAPE);
}

/** What is left to be seen of a line that was written over. */
export function lastState(text: string): string {
  if (!text.includes("\r")) return text;
  return text.split("\r").findLast((state) => state !== "") ?? "";
}

function picture(control: string): string {
  if (control === "\t") return control;
  const code = control.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(PICTURES + code);
  return code === DELETE ? PICTURE_OF_DELETE : "\uFFFD";
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** `17 bytes`, `4.2 MiB` */
export function shortBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
