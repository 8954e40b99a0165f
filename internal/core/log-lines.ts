/**
 * Makes lines of batches. What was left out shows itself by the positions of what is there, whatever the reason: above
 * the limit, not stored in time, gone since.
 */
import type { LogBatch, LogEntry, LogGap, LogLine, LogPiece, LogStream } from "./attempt-log.ts";

/** A line that is longer than this is handed over in parts, in characters. */
const LONGEST_LINE = 256 * 1_024;
/** So many batches may come late, or twice. */
const REMEMBERED = 64;

/** What is known of one execution. */
interface Writer {
  /** Where the next batch begins, if nothing is left out. */
  next: number;
  /** Where the newest batches began. */
  readonly seen: number[];
  /** Lines whose ends have not come yet. */
  readonly open: Map<LogStream, LogLine>;
}

export class LogLines {
  readonly #writers = new Map<string, Writer>();

  /** What a batch tells. Batches of one writer are best given in the order of their positions. */
  take(batch: LogBatch): LogEntry[] {
    // It has emptied its slot, no more.
    if (batch.pieces.length === 0) return [];
    const writer = this.#writerOf(batch.writer);
    if (writer.seen.includes(batch.from)) return [];
    writer.seen.push(batch.from);
    if (writer.seen.length > REMEMBERED) writer.seen.shift();
    const entries: LogEntry[] = [];
    if (batch.from > writer.next) {
      entries.push(...closed(writer), gapBefore(batch, batch.from - writer.next));
    }
    for (const piece of batch.pieces) linesOf(piece, { batch, open: writer.open, entries });
    writer.next = Math.max(writer.next, batch.from + batch.bytes);
    return entries;
  }

  /** Lines whose ends have not come, those that began before `time` (default: all); what comes of them is handed over as lines of its own. */
  openLines(time = Number.POSITIVE_INFINITY): LogLine[] {
    return [...this.#writers.values()].flatMap((writer) => closed(writer, time));
  }

  #writerOf(name: string): Writer {
    const known = this.#writers.get(name);
    if (known !== undefined) return known;
    const writer: Writer = { next: 0, seen: [], open: new Map() };
    this.#writers.set(name, writer);
    return writer;
  }
}

function closed({ open }: Writer, time = Number.POSITIVE_INFINITY): LogLine[] {
  const lines = [...open.values()].filter((line) => line.time < time);
  for (const { stream } of lines) open.delete(stream);
  return lines;
}

function gapBefore({ attempt, worker, writer, pieces, isTail }: LogBatch, bytes: number): LogGap {
  const why = isTail ? "limit" : "missing";
  return { kind: "gap", attempt, worker, writer, time: pieces[0]?.time ?? 0, bytes, why };
}

function linesOf(
  { time, stream, text }: LogPiece,
  {
    batch: { attempt, worker, writer },
    open,
    entries,
  }: {
    readonly batch: LogBatch;
    readonly open: Map<LogStream, LogLine>;
    readonly entries: LogEntry[];
  },
): void {
  const lineOf = (part: string, isOpen: boolean): LogLine => {
    const begun = open.get(stream);
    open.delete(stream);
    const line = { kind: "line", attempt, worker, writer, time, stream, text: part, isOpen } as const;
    return begun === undefined ? line : { ...line, time: begun.time, text: begun.text + part };
  };
  const parts = text.split("\n");
  const rest = parts.pop() ?? "";
  for (const part of parts) entries.push(lineOf(part, false));
  if (rest === "") return;
  const line = lineOf(rest, true);
  if (line.text.length < LONGEST_LINE) open.set(stream, line);
  else entries.push(line);
}
