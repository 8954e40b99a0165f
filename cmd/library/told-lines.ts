/** Observers hear what tasks of this process log, and what functions print: elsewhere both are in the attempt's log. */
import { StringDecoder } from "node:string_decoder";
import type { AttemptId } from "../../internal/core/attempt.ts";
import type { AttemptLogs } from "../../internal/ports/attempt-logs.ts";
import type { Observer } from "../../internal/ports/observer.ts";
import type { PrintStream } from "../../internal/ports/task-executor.ts";

export function tellLines(observer: Observer): (attempt: AttemptId, line: string) => void {
  return ({ runId, task, index, attempt }, line) => {
    const logged = { kind: "task-logged", attempt: { runId, task, index, attempt }, line } as const;
    // Not before it is told that the attempt has started.
    setImmediate(() => observer.observe(logged));
  };
}

/** The same logs; what functions print to them is told too. */
export function tellPrinted(logs: AttemptLogs, observer: Observer): AttemptLogs {
  const tell = tellLines(observer);
  return {
    open: (attempt, workerId) => {
      const log = logs.open(attempt, workerId);
      if (attempt.type !== "function") return log;
      const printed = new PrintedLines((lines) => tell(attempt, lines));
      return {
        line: (text) => log.line(text),
        print: (stream, bytes) => {
          log.print(stream, bytes);
          printed.add(stream, bytes);
        },
        end: () => {
          printed.end();
          log.end();
        },
      };
    },
  };
}

/** A line that is longer is handed over in parts. */
const MAX_LINE = 64 * 1_024;

/** Makes lines of what is printed in pieces, stdout and stderr apart. */
class PrintedLines {
  readonly #onLines: (lines: string) => void;
  readonly #streams = new Map<PrintStream, { readonly decoder: StringDecoder; rest: string }>();

  /** `onLines` gets whole lines, one or several, without the last end. */
  constructor(onLines: (lines: string) => void) {
    this.#onLines = onLines;
  }

  add(name: PrintStream, bytes: Uint8Array): void {
    const stream = this.#streams.get(name) ?? { decoder: new StringDecoder(), rest: "" };
    this.#streams.set(name, stream);
    const text = stream.rest + stream.decoder.write(bytes);
    const end = text.length > MAX_LINE ? text.length : text.lastIndexOf("\n");
    if (end >= 0) this.#onLines(text.slice(0, end).replace(/\n$/, ""));
    stream.rest = text.slice(end + 1);
  }

  /** Nothing more comes: the last line may have no end. */
  end(): void {
    for (const { decoder, rest } of this.#streams.values()) {
      const text = rest + decoder.end();
      if (text !== "") this.#onLines(text);
    }
    this.#streams.clear();
  }
}
