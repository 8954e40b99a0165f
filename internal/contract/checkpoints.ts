/** Checkpoints on the wire. */
import { z } from "zod";
import type { Checkpoint } from "../ports/checkpoints.ts";
import { decode, type Decoded, encode, map } from "./codec.ts";
import { count, version } from "./schemas.ts";

const checkpoint = z.object({ v: version, from: count, anchor: z.object({ seq: count, time: z.number() }) });

export function encodeCheckpoint({ from, anchor }: Checkpoint): Uint8Array {
  return encode({ v: 1, from, anchor: { seq: anchor.seq, time: anchor.time } });
}

export function decodeCheckpoint(bytes: Uint8Array): Decoded<Checkpoint> {
  return map(decode(checkpoint, bytes), ({ from, anchor }) => ({ from, anchor }));
}
