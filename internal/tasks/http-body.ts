/** Bodies of answers: unpacked, bounded, and read as what they say they are. */
import { pipeline, type Readable } from "node:stream";
import { TextDecoder } from "node:util";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { cutAfter } from "../core/cut.ts";
import type { JsonValue } from "../core/json.ts";

/** The body is not what its headers say. */
export class BadBody extends Error {}

const UNPACK: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
};
/** Nobody packs more often; a bomb would. */
const MAX_LAYERS = 3;

export interface ReadBody {
  readonly bytes: Buffer;
  /** There is more of it, which was not read. */
  readonly isCut: boolean;
}

/**
 * Reads up to `limit` bytes, unpacked, and ends the stream where there are more: one that never ends is done with as
 * soon as it has sent so many. Rejects with `BadBody`, or with what the connection broke with.
 */
export async function readBody(
  body: Readable,
  { encoding, limit }: { readonly encoding: string; readonly limit: number },
): Promise<ReadBody> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of unpacked(body, encoding)) {
      const bytes = chunk as Buffer;
      chunks.push(bytes);
      size += bytes.length;
      if (size > limit) break;
    }
  } catch (error) {
    if (!isOfUnpacking(error)) throw error;
    throw new BadBody(`the body of the answer is no ${encoding}: ${error.message}`);
  }
  return { bytes: Buffer.concat(chunks).subarray(0, limit), isCut: size > limit };
}

function unpacked(body: Readable, encoding: string): AsyncIterable<unknown> {
  const names = encoding
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity");
  if (names.length === 0) return body;
  if (names.length > MAX_LAYERS || names.some((name) => !Object.hasOwn(UNPACK, name))) {
    body.destroy();
    throw new BadBody(
      `the body of the answer is packed as '${cutAfter(encoding, 100)}', which is not known; ask for another form with the header accept-encoding`,
    );
  }
  const stages = names.toReversed().flatMap((name) => UNPACK[name]?.() ?? []);
  // What goes wrong at any stage is thrown where the last one is read.
  return pipeline([body, ...stages], () => undefined) as unknown as Readable;
}

function isOfUnpacking(error: unknown): error is Error {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return /^(?:Z_|ERR__ERROR|ERR_BROTLI)/.test(String(error.code));
}

/**
 * JSON where the body says that it is, text otherwise, by the character set that it names. What says that it is JSON, and
 * is not, is text too, and `log` is told.
 */
export function valueOf(
  { bytes, isCut }: ReadBody,
  contentType: string,
  log: (line: string) => void,
): JsonValue {
  const text = decoderOf(contentType).decode(bytes);
  if (isCut || text === "" || !/[/+]json\b/i.test(contentType)) return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    log(`the body of the answer is not the JSON that it says it is (${contentType}); it is kept as text`);
    return text;
  }
}

function decoderOf(contentType: string): TextDecoder {
  const [, charset = "utf-8"] = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType) ?? [];
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
