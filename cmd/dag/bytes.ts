/** Bytes that nobody could read, for a person to look at. */
import { harmless } from "../../internal/telemetry/text.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const ROW = 16;
const MAX_HEX = 1_024;
/** Line breaks and tabs are text. */
const NO_TEXT = /(?![\t\n\r])\p{Cc}/u;

/** The text that the bytes are, if they are text. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    return NO_TEXT.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** As text, else as rows of `offset  hexadecimal  |characters|`, of many bytes the first. */
export function readable(bytes: Uint8Array): string[] {
  const text = textOf(bytes);
  if (text !== undefined) return harmless(text).split("\n");
  const shown = bytes.subarray(0, MAX_HEX);
  const rows = Array.from({ length: Math.ceil(shown.length / ROW) }, (_, i) =>
    hexRow(shown.subarray(i * ROW, (i + 1) * ROW), i * ROW),
  );
  const more = bytes.length - shown.length;
  return more > 0 ? [...rows, `… and ${more} more bytes; --json has all of them`] : rows;
}

function hexRow(bytes: Uint8Array, offset: number): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const characters = [...bytes].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : ".",
  );
  return `${offset.toString(16).padStart(8, "0")}  ${hex.padEnd(ROW * 3 - 1)}  |${characters.join("")}|`;
}
