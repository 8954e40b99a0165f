/** A value that is carried inline where it is small, and by reference where it is not. */

/** Where a value too large for a message is kept: a chain of messages; see `ports/blobs.ts`. */
export interface BlobRef {
  /** Subject-safe; unique within its owner (a run, or the definitions). */
  readonly name: string;
  readonly bytes: number;
  readonly chunks: number;
  /** Checksum of the bytes in hexadecimal digits, where they were stored as they came. */
  readonly sha256?: string | undefined;
}

export type Stored<T> = { readonly inline: T } | { readonly ref: BlobRef };

/** The bytes of a JSON value that is kept by reference. */
export function encodeValue(value: unknown): Uint8Array {
  return encodeText(JSON.stringify(value));
}

/** As above, of one whose JSON is there already. */
export function encodeText(json: string): Uint8Array {
  return new TextEncoder().encode(json);
}

/** The JSON value of bytes that `encodeValue` made. */
export function decodeValue(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
