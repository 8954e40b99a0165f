/** Prints the log of attempts: as text, with the names of tasks where there are several, or as JSON. */
import type { LogEntry, LogGap, LogLine } from "../../internal/core/attempt-log.ts";
import type { AttemptId } from "../../internal/core/attempt.ts";
import { pc } from "../../internal/telemetry/colours.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import {
  hasColour,
  lastState,
  LINE_ANEW,
  NO_COLOUR,
  shortBytes,
  shownOnTerminal,
} from "../../internal/telemetry/log-text.ts";

export interface LogNames {
  /** In characters. */
  readonly width: number;
  of(instance: Pick<AttemptId, "task" | "index">): string;
}

export interface LogPrinterOptions {
  readonly json: boolean;
  /** What is printed may be obeyed there. */
  readonly isTerminal: boolean;
  /** Each line begins with the name of its instance; without it lines are as they were printed. */
  readonly names?: LogNames;
  /** Each line begins with its time. */
  readonly timestamps: boolean;
  /** Attempts are told apart. */
  readonly marksAttempts: boolean;
  write(text: string): void;
}

export class LogPrinter {
  readonly #options: LogPrinterOptions;
  /** The line that is begun on the screen, with what can still be written over. */
  #open: { readonly of: string; readonly text: string } | undefined;
  #attempt = 1;
  /** So many lines and gaps were printed. */
  printed = 0;

  constructor(options: LogPrinterOptions) {
    this.#options = options;
  }

  print(entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    this.printed += entries.length;
    const toText = this.#options.json ? json : (entry: LogEntry): string => this.#text(entry);
    this.#options.write(entries.map(toText).join(""));
  }

  /** Ends a line that is begun. */
  end(): void {
    this.#options.write(this.#closed());
  }

  #text(entry: LogEntry): string {
    const mark = this.#mark(entry.attempt, entry.worker);
    return mark + (entry.kind === "gap" ? this.#gap(entry) : this.#line(entry));
  }

  #mark({ attempt }: AttemptId, worker: string): string {
    const { marksAttempts, names } = this.#options;
    if (!marksAttempts || names !== undefined || attempt === this.#attempt) return "";
    this.#attempt = attempt;
    return `${this.#closed()}${pc.dim(`--- attempt ${attempt}, on ${worker} ---`)}\n`;
  }

  #gap(gap: LogGap): string {
    return `${this.#closed()}${this.#prefix(gap)}${pc.dim(`[${gapSentence(gap)}]`)}\n`;
  }

  #line(line: LogLine): string {
    const of = `${line.writer} ${line.stream}`;
    const begun = this.#open?.of === of ? this.#open.text : undefined;
    const before = begun === undefined ? this.#closed() + this.#prefix(line) : "";
    const end = line.isOpen ? "" : "\n";
    this.#open = undefined;
    if (!this.#options.isTerminal) {
      if (line.isOpen) this.#open = { of, text: "" };
      return `${before}${line.text}${end}`;
    }
    const whole = (begun ?? "") + line.text;
    // What is not kept was written over.
    if (line.isOpen)
      this.#open = { of, text: whole.slice(Math.max(0, whole.lastIndexOf("\r", whole.length - 2))) };
    const isWrittenOver = begun !== undefined && whole.includes("\r");
    if (isWrittenOver) return `${LINE_ANEW}${this.#prefix(line)}${this.#shown(lastState(whole))}${end}`;
    return `${before}${this.#shown(lastState(line.text))}${end}`;
  }

  /** The colours of one task are not for the next. */
  #shown(text: string): string {
    const shown = shownOnTerminal(text);
    return this.#options.names !== undefined && hasColour(text) ? shown + NO_COLOUR : shown;
  }

  #closed(): string {
    if (this.#open === undefined) return "";
    this.#open = undefined;
    return "\n";
  }

  #prefix(entry: LogEntry): string {
    const { names, timestamps } = this.#options;
    const time = timestamps ? `${pc.dim(timeOf(entry.time))} ` : "";
    if (names === undefined) return time;
    const isError = entry.kind === "line" && entry.stream === "stderr";
    const name = `${attemptName(entry.attempt, names).padEnd(names.width)} |`;
    return `${time}${isError ? pc.yellow(name) : pc.cyan(name)} `;
  }
}

/** `load`, `load[3]`, `load #2` */
function attemptName(id: AttemptId, names: LogNames): string {
  return `${names.of(id)}${id.attempt === 1 ? "" : ` #${id.attempt}`}`;
}

function gapSentence({ bytes, why }: LogGap): string {
  const what = shortBytes(bytes);
  switch (why) {
    case "limit":
      return `… ${what} left out: more was printed than is kept of an attempt (--log-limit of the worker) …`;
    case "missing":
      return `… ${what} missing: not stored in time, or not kept any more …`;
  }
}

function timeOf(time: number): string {
  return `${localTime(time)}.${String(time % 1_000).padStart(3, "0")}`;
}

function json(entry: LogEntry): string {
  const { attempt, worker, time } = entry;
  const about = {
    run_id: attempt.runId,
    task: attempt.task,
    index: attempt.index,
    attempt: attempt.attempt,
    worker,
    time: new Date(time).toISOString(),
  };
  const own =
    entry.kind === "gap"
      ? { left_out: entry.bytes, reason: entry.why }
      : { stream: entry.stream, text: entry.text, ...(entry.isOpen ? { goes_on: true } : {}) };
  return `${JSON.stringify({ ...about, ...own })}\n`;
}
