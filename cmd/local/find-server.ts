/** Finds or fetches a nats-server for a cluster on this machine, and tells how far it is. */
import { findServer, type FindProgress, type FoundServer } from "../../internal/nats/server/find.ts";
import { cut } from "../../internal/telemetry/text.ts";

/** `path` is as in the variable PATH; what is being done goes to `out`. */
export async function findWithProgress(
  setting: string | undefined,
  path: string,
  out: NodeJS.WriteStream = process.stdout,
): Promise<FoundServer> {
  const progress = new ProgressLine(out);
  try {
    return await findServer({
      ...(setting === undefined ? {} : { setting }),
      path,
      onProgress: (step) => progress.show(step),
    });
  } finally {
    progress.end();
  }
}

/** One line that is written over, or a line a step when piped. */
class ProgressLine {
  readonly #out: NodeJS.WriteStream;
  #last = "";

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  show({ what, bytes, total }: FindProgress): void {
    const amount =
      bytes === undefined ? "" : ` ${mib(bytes)}${total === undefined ? "" : ` of ${mib(total)}`}`;
    const { isTTY, columns } = this.#out;
    if (isTTY) this.#out.write(`\r\u001B[K${cut(`  ${what}${amount}`, columns - 1)}`);
    else if (what !== this.#last) this.#out.write(`  ${what}\n`);
    this.#last = what;
  }

  end(): void {
    if (this.#out.isTTY && this.#last !== "") this.#out.write("\r\u001B[K");
  }
}

function mib(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
