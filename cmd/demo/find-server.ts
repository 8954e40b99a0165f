/** Finds or fetches the nats-server of the demonstration, and tells how far it is. */
import { findServer, type FindProgress, type FoundServer } from "../../internal/nats/server/find.ts";
import { cut } from "../../internal/telemetry/text.ts";

export async function findWithProgress(setting: string | undefined, path: string): Promise<FoundServer> {
  const progress = new ProgressLine();
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
  #last = "";

  show({ what, bytes, total }: FindProgress): void {
    const amount =
      bytes === undefined ? "" : ` ${mib(bytes)}${total === undefined ? "" : ` of ${mib(total)}`}`;
    const { isTTY, columns } = process.stdout;
    if (isTTY) process.stdout.write(`\r\u001B[K${cut(`  ${what}${amount}`, columns - 1)}`);
    else if (what !== this.#last) process.stdout.write(`  ${what}\n`);
    this.#last = what;
  }

  end(): void {
    if (process.stdout.isTTY && this.#last !== "") process.stdout.write("\r\u001B[K");
  }
}

function mib(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
