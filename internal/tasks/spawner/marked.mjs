// Processes by their mark: a variable in the environment, which all that they start inherits.
import { eachProcess } from "./processes.mjs";

const ROUND_MS = 50;
const MAX_ROUNDS = 100;

/**
 * Kills all that have one of these marks (`NAME=value`) in their environment, but for this process itself. Goes over all
 * processes until two rounds have found nothing: one may have been between its birth and its own environment.
 *
 * @param {readonly string[]} marks
 */
export async function endMarked(marks) {
  if (marks.length === 0) return;
  const wanted = new Set(marks);
  const name = `${marks[0]?.split("=")[0]}=`;
  for (let rounds = 0, quiet = 0; quiet < 2 && rounds < MAX_ROUNDS; rounds++) {
    if (rounds > 0) await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
    quiet++;
    for await (const [pid, environ] of eachProcess("environ")) {
      if (pid === process.pid || !environ.includes(name)) continue;
      const variables = environ.toString("utf8").split("\0");
      if (!variables.some((variable) => wanted.has(variable))) continue;
      quiet = 0;
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It was faster.
      }
    }
  }
}
