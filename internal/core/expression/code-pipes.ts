/** Pipes that read or write another form: numbers, JSON, percent-encoding. */
import type { JsonObject, JsonValue } from "../json.ts";
import { readNumber } from "../value-forms.ts";
import { ofText, type Pipe, readInteger } from "./pipe.ts";
import type { Work } from "./work.ts";

export const CODE_PIPES = {
  int: {
    arity: [0, 0],
    apply: (value, _args, work) => readWhole(work.text(value)) ?? 0,
  },
  pad: { arity: [0, 1], apply: (value, [width = "2"], work) => padded(work.text(value), width, work) },
  json_get: { arity: [0, 1], apply: (value, [key = ""], work) => member(value, key, work) },
  urlencode: ofText(percentEncoded),
  urldecode: ofText(percentDecoded),
} as const satisfies Record<string, Pipe>;

/** The number that a text says, cut to a whole one; `undefined` for one without end, too. */
function readWhole(text: string): number | undefined {
  const number = readNumber(text);
  // Adding zero makes -0 the zero that it looks like.
  return number === undefined || !Number.isFinite(number) ? undefined : Math.trunc(number) + 0;
}

function padded(text: string, width: string, work: Work): string {
  const whole = readWhole(text);
  const length = readInteger(width);
  if (whole === undefined || length === undefined) return text;
  work.allow(length);
  const sign = whole < 0 ? "-" : "";
  // All digits of a large one: as a number it would be written with an exponent.
  const digits = String(BigInt(Math.abs(whole)));
  return sign + digits.padStart(length - sign.length, "0");
}

/** Of an object, or of a text that is the JSON of one. */
function member(value: JsonValue, key: string, work: Work): JsonValue {
  const object = typeof value === "string" ? readJson(work.text(value), work) : value;
  return isMap(object) && Object.hasOwn(object, key) ? (object[key] ?? null) : null;
}

function isMap(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readJson(text: string, work: Work): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
  work.admit(value);
  return value;
}

const ENCODER = new TextEncoder();
/** What is no UTF-8 becomes U+FFFD. */
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

const PERCENT = 0x25;
const HEX = ENCODER.encode("0123456789ABCDEF");

/** What RFC 3986 calls unreserved stays. */
const IS_UNRESERVED: readonly boolean[] = Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9_.~-]/.test(String.fromCharCode(byte)),
);

/** Of the bytes that are hexadecimal digits. */
const DIGITS: ReadonlyMap<number, number> = new Map(
  [...ENCODER.encode("0123456789ABCDEFabcdef")].map((byte) => [
    byte,
    Number.parseInt(String.fromCharCode(byte), 16),
  ]),
);

function percentEncoded(text: string): string {
  const bytes = ENCODER.encode(text);
  const encoded = new Uint8Array(3 * bytes.length);
  let to = 0;
  for (const byte of bytes) {
    if (IS_UNRESERVED[byte] === true) {
      encoded[to++] = byte;
    } else {
      encoded[to++] = PERCENT;
      encoded[to++] = HEX[byte >> 4] ?? 0;
      encoded[to++] = HEX[byte & 15] ?? 0;
    }
  }
  return DECODER.decode(encoded.subarray(0, to));
}

/** A `%` that no two hexadecimal digits follow stays. */
function percentDecoded(text: string): string {
  const bytes = ENCODER.encode(text);
  let to = 0;
  for (let from = 0; from < bytes.length; to++) {
    const decoded = bytes[from] === PERCENT ? hexByte(bytes, from + 1) : undefined;
    bytes[to] = decoded ?? bytes[from] ?? 0;
    from += decoded === undefined ? 1 : 3;
  }
  return DECODER.decode(bytes.subarray(0, to));
}

function hexByte(bytes: Uint8Array, at: number): number | undefined {
  const high = DIGITS.get(bytes[at] ?? 0);
  const low = DIGITS.get(bytes[at + 1] ?? 0);
  return high === undefined || low === undefined ? undefined : 16 * high + low;
}
