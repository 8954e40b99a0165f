/** Versions of deployed definitions on the wire; name, version and time are the message's subject and timestamp. */
import { z } from "zod";
import type { NewVersion } from "../ports/catalog.ts";
import { decode, type Decoded, encode, map } from "./codec.ts";
import { blobRef, count, version } from "./schemas.ts";

const entry = z.object({
  v: version,
  name: z.string(),
  description: z.string().optional(),
  tags: z.array(z.string()),
  tasks: count,
  definition: blobRef,
  source: blobRef,
});

export function encodeVersion({
  name,
  description,
  tags,
  tasks,
  definition,
  source,
}: NewVersion): Uint8Array {
  return encode({ v: 1, name, description, tags, tasks, definition, source });
}

export function decodeVersion(bytes: Uint8Array): Decoded<NewVersion> {
  return map(decode(entry, bytes), ({ name, description, tags, tasks, definition, source }) => {
    const rest = { name, tags, tasks, definition, source };
    return description === undefined ? rest : { ...rest, description };
  });
}
