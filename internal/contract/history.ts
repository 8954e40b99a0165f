/**
 * Records of the history as bytes: the facts as the log had them, a line each, compressed.
 *
 * A line is `<position> <time> <last parts of the subject> <message>`. What reads the log reads a record, and a run
 * looks the same whichever of the two it comes from.
 */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { LoggedFact } from "../core/facts.ts";
import type { RunKey } from "../ports/run-log.ts";
import type { Decoded } from "./codec.ts";
import { decodeFact, encodeFact } from "./facts.ts";
import { factTail, readFactTail } from "./subjects.ts";

const compress = promisify(gzip);
const decompress = promisify(gunzip);

const NEWLINE = 0x0a;
const LINE = /^(\d+) (-?\d+(?:\.\d+)?) (\S+) /;
/** No line begins with a longer one. */
const LONGEST_HEAD = 1_024;

export async function encodeRecord(facts: readonly LoggedFact[]): Promise<Uint8Array> {
  const lines = facts.flatMap(({ seq, time, fact }) => [
    Buffer.from(`${seq} ${time} ${factTail(fact)} `),
    encodeFact(fact),
    Uint8Array.of(NEWLINE),
  ]);
  return compress(Buffer.concat(lines));
}

/** The facts of this run, or what is wrong with the record. */
export async function decodeRecord(
  { runId, partition }: RunKey,
  bytes: Uint8Array,
): Promise<Decoded<LoggedFact[]>> {
  let text: Buffer;
  try {
    text = await decompress(bytes);
  } catch (error) {
    return { wrong: `cannot be decompressed: ${(error as Error).message}` };
  }
  const facts: LoggedFact[] = [];
  for (let from = 0; from < text.length;) {
    const end = text.indexOf(NEWLINE, from);
    const read = readLine({ runId, partition }, text.subarray(from, end));
    if ("wrong" in read) return read;
    facts.push(read.value);
    from = end + 1;
  }
  return { value: facts };
}

function readLine({ runId, partition }: RunKey, line: Buffer): Decoded<LoggedFact> {
  const [head = "", seq, time, tail = ""] = LINE.exec(line.toString("latin1", 0, LONGEST_HEAD)) ?? [];
  const subject = readFactTail(tail.split("."));
  if (subject === undefined) return { wrong: "a line is not that of a fact" };
  const decoded = decodeFact({ runId, partition, ...subject }, line.subarray(head.length));
  if ("wrong" in decoded) return decoded;
  return { value: { seq: Number(seq), time: Number(time), runId, partition, fact: decoded.value } };
}
