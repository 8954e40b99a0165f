// Loaded into a worker before its own code (NODE_OPTIONS): SIGUSR2 holds its main loop, as code of a task may.
import { isMainThread } from "node:worker_threads";

const BLOCK_MS = Number(process.env.BLOCK_MS ?? "0");

if (isMainThread && BLOCK_MS > 0) {
  process.on("SIGUSR2", () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS);
  });
}
