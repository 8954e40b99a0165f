// Runs a program for as long as the process that asked for it lives.
//
// That process holds the other end of our stdin: when it is gone, however it went, the pipe closes, and the
// program is ended (SIGTERM, then SIGKILL). A signal to us is passed on, which is how it is ended in good order.
// Plain JavaScript, so that it runs as it is from the sources too, where Node 20 reads no TypeScript.
import { spawn } from "node:child_process";
import { openSync, rmSync, writeSync } from "node:fs";
import { constants } from "node:os";

/** What drains at the first signal is told so soon to hurry, when nobody waits for it any more. */
const HURRY_AFTER_MS = 500;
const CANNOT_RUN = 127;
/** What is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @type {import("./keeper.ts").KeptProgram} */
const task = JSON.parse(process.argv[2] ?? "{}");
const { binary, args, logFile, temporaryFolder, drainMs = 0, killAfterMs = 5_000 } = task;

const log = openSync(logFile, "a");
// Where the reason is looked for when the program does not come up.
process.on("uncaughtException", (error) => {
  writeSync(log, `cannot run ${binary}: ${error.message}\n`);
  process.exit(CANNOT_RUN);
});
// A signal to us alone must not leave the program behind, nor may one that comes before there is a program.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  process.on(signal, () => end(killing === undefined ? drainMs + killAfterMs : killAfterMs));
}
const program = spawn(binary, args, { stdio: ["ignore", log, log] });
process.stdout.on("error", () => undefined).write(`${program.pid}\n`);

/** @type {NodeJS.Timeout | undefined} */
let killing;
/** @param {number} withinMs */
function end(withinMs) {
  clearTimeout(killing);
  killing = setTimeout(() => program.kill("SIGKILL"), Math.min(withinMs, LONGEST_TIMER_MS));
  program.kill("SIGTERM");
}

let abandoned = false;
function abandon() {
  if (abandoned) return;
  abandoned = true;
  end(killAfterMs);
  if (drainMs > 0) setTimeout(() => end(killAfterMs), HURRY_AFTER_MS);
}
process.stdin.on("end", abandon).on("close", abandon).on("error", abandon).resume();

program.on("exit", (code, signal) => {
  // One that went by itself left a log that is still to be read.
  if (killing !== undefined && temporaryFolder !== undefined) {
    rmSync(temporaryFolder, { recursive: true, force: true, maxRetries: 3 });
  }
  process.exit(code ?? 128 + constants.signals[signal ?? "SIGKILL"]);
});
