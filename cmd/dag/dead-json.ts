/** What `--json` prints of dead letters. */
import type { LetterHead, StoredLetter } from "../../internal/ports/dead-letters.ts";
import { textOf } from "./bytes.ts";
import { lossJson } from "./json.ts";

export function headJson(head: LetterHead): object {
  const { id, kind, reason } = head;
  const common = { id, kind, time: isoTime(head.time), reason, run_id: head.runId ?? null };
  if (head.kind === "unreadable") return { ...common, subject: head.subject, size: head.size };
  return { ...common, task: head.task, index: head.index, losses: head.losses };
}

/** The bytes are `text` where they are text, else `hex`. */
export function letterJson({ head, letter }: StoredLetter): object {
  const common = headJson(head);
  if (letter.kind === "unreadable") {
    const text = textOf(letter.bytes);
    const bytes = text === undefined ? { hex: Buffer.from(letter.bytes).toString("hex") } : { text };
    return { ...common, ...bytes };
  }
  return { ...common, dag: letter.dagName, gen: letter.gen, losses: letter.losses.map(lossJson) };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
