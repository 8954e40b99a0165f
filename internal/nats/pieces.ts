/**
 * The same bytes in pieces of one size, the last one being as long as it comes out; one empty piece where there are
 * none. What comes in that size already is handed on as it is.
 */
export async function* inPieces(parts: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = [];
  let room = size;
  let isEmpty = true;
  for await (const part of parts) {
    for (let at = 0; at < part.length;) {
      const some = part.subarray(at, at + room);
      at += some.length;
      room -= some.length;
      rest.push(some);
      if (room > 0) continue;
      yield whole(rest);
      isEmpty = false;
      rest = [];
      room = size;
    }
  }
  if (isEmpty || rest.length > 0) yield whole(rest);
}

function whole(parts: readonly Uint8Array[]): Uint8Array {
  const [first, ...more] = parts;
  return first !== undefined && more.length === 0 ? first : Buffer.concat(parts);
}
