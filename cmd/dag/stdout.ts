/**
 * Stdout of the command line. Functions run in this process too, and with `--json` what they and their libraries
 * print must not get between us and who reads the JSON.
 */
const { stdout, stderr } = process;
const write = stdout.write.bind(stdout);

/**
 * Hears of what could not be written, as on a full disk: it is told once, and the answer is then true. A reader that has
 * seen enough (`| head`), or a terminal that was closed, loses nothing, and is no reason to leave a run half done.
 */
export function watchOutput(): () => boolean {
  let isLost = false;
  const lose = (error: NodeJS.ErrnoException): boolean => {
    isGone ||= error.code === "EPIPE";
    if (isLost || error.code === "EPIPE" || error.code === "EIO") return false;
    isLost = true;
    return true;
  };
  stdout.on("error", (error: Error) => {
    if (lose(error)) stderr.write(`dag: stdout cannot be written: ${error.message}\n`);
  });
  stderr.on("error", lose);
  return () => isLost;
}

let isGone = false;

/** Nobody reads what is printed any more. */
export function readerGone(): boolean {
  return isGone;
}

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
