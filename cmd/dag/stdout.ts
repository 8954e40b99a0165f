/**
 * Stdout of the command line. Functions run in this process too, and with `--json` what they and their libraries
 * print must not get between us and who reads the JSON.
 */
const { stdout, stderr } = process;
const write = stdout.write.bind(stdout);

/** Writes to stdout, whatever was diverted. */
export function print(text: string): void {
  write(text);
}

/** From now on what others write to stdout goes to stderr. */
export function divertOthers(): void {
  stdout.write = stderr.write.bind(stderr);
}

/** Resolves when all that was printed is written, or has failed to be and told so. */
export function printed(): Promise<void> {
  return new Promise((resolve) => {
    // The callback of a write that failed comes before the stream's event.
    write("", () => setImmediate(resolve));
  });
}
