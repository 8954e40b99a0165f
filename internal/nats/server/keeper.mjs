// Runs a nats-server for as long as the process that asked for it lives.
//
// That process holds the other end of our stdin: when it is gone, however it went, the pipe closes, and the
// server is ended (SIGTERM, then SIGKILL). Plain JavaScript, so that it runs as it is from the sources too, where
// Node 20 reads no TypeScript.
import { spawn } from "node:child_process";
import { openSync, rmSync, writeSync } from "node:fs";

const KILL_AFTER_MS = 5_000;

/** @type {{ binary: string, args: string[], logFile: string, temporaryFolder?: string }} */
const { binary, args, logFile, temporaryFolder } = JSON.parse(process.argv[2] ?? "{}");

const log = openSync(logFile, "a");
// Where the reason is looked for when the server does not come up.
process.on("uncaughtException", (error) => {
  writeSync(log, `cannot run ${binary}: ${error.message}\n`);
  process.exit(1);
});
const server = spawn(binary, args, { stdio: ["ignore", log, log] });

let ending = false;
function end() {
  if (ending) return;
  ending = true;
  server.kill("SIGTERM");
  setTimeout(() => server.kill("SIGKILL"), KILL_AFTER_MS).unref();
}

process.stdin.on("end", end).on("close", end).on("error", end).resume();
// A signal to us alone must not leave the server behind.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, end);

server.on("exit", () => {
  // One that went by itself left a log that is still to be read.
  if (ending && temporaryFolder !== undefined) {
    rmSync(temporaryFolder, { recursive: true, force: true, maxRetries: 3 });
  }
  process.exit(ending ? 0 : 1);
});
