/** Facts as the simulated log holds them. */
import { decodeFact } from "../../../internal/contract/facts.ts";
import { readFactSubject, readPartition } from "../../../internal/contract/subjects.ts";
import type { LoggedFact } from "../../../internal/core/facts.ts";
import type { Stored } from "../server/stream.ts";

/** What was read once is not read again: it never changes. */
const read = new WeakMap<Stored, LoggedFact | "unreadable">();

/** `undefined` for what nobody can read. The same object for every reader. */
export function readFact(message: Stored): LoggedFact | undefined {
  let logged = read.get(message);
  if (logged === undefined) read.set(message, (logged = decode(message)));
  return logged === "unreadable" ? undefined : logged;
}

function decode({ subject, seq, time, value }: Stored): LoggedFact | "unreadable" {
  const about = readFactSubject(subject);
  const decoded = about === undefined ? undefined : decodeFact(about, value as Uint8Array);
  if (about === undefined || decoded === undefined || "wrong" in decoded) return "unreadable";
  const { runId, partition } = about;
  return Object.freeze({ seq, time, runId, partition, fact: Object.freeze(decoded.value) });
}

/** Of what can be read and what cannot; -1 where there is none. */
export function partitionIn({ subject }: Stored): number {
  return readPartition(subject) ?? -1;
}

/** Of what can be read and what cannot. */
export function runOf({ subject }: Stored): string | undefined {
  return subject.split(".")[3];
}
