/** Makes lines of what is printed in pieces, stdout and stderr apart. */
import { StringDecoder } from "node:string_decoder";
import type { PrintStream } from "../ports/task-executor.ts";

/** A line that is longer is handed over in parts. */
const MAX_LINE = 64 * 1_024;

export class PrintedLines {
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
