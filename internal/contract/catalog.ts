/** Versions of deployed definitions on the wire; name, version and time are the message's subject and timestamp. */
import { z } from "zod";
import type { NewVersion } from "../ports/catalog.ts";
import { decode, type Decoded, encode, map } from "./codec.ts";
import { blobRef, count, version } from "./schemas.ts";

const entry = z.object({
  v: version,
  name: z.string(),
  description: z.string().optional(),
  tasks: count,
  definition: blobRef,
  source: blobRef,
});

export function encodeVersion({ name, description, tasks, definition, source }: NewVersion): Uint8Array {
  return encode({ v: 1, name, description, tasks, definition, source });
}

export function decodeVersion(bytes: Uint8Array): Decoded<NewVersion> {
  return map(decode(entry, bytes), ({ name, description, tasks, definition, source }) => {
    const rest = { name, tasks, definition, source };
    return description === undefined ? rest : { ...rest, description };
  });
}
