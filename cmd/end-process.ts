/**
 * How a program ends that may have run functions.
 *
 * To exit joins every thread, and a thread that is inside of what is built in, such as a walk through a list of four
 * billion holes, cannot be ended before it is done there: the process would be there for minutes more.
 */
import type { Worker } from "node:worker_threads";

/** How long threads have to end. */
const THREADS_MS = 5_000;

const threads = new Set<Worker>();
process.on("worker", (thread: Worker) => {
  threads.add(thread);
  thread.once("exit", () => threads.delete(thread));
});

/**
 * Everything of ours has ended and is written; what is left of threads and open sockets goes with the process. Its exit
 * code is that of `process.exitCode` if none is given, and 137 when a thread could not be ended.
 */
export async function endProcess(code?: number): Promise<never> {
  if (!(await threadsEnd())) {
    process.stderr.write("a thread cannot be ended, so the process is: by SIGKILL\n");
    process.kill(process.pid, "SIGKILL");
  }
  if (code !== undefined) process.exitCode = code;
  process.exit();
}

async function threadsEnd(): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), THREADS_MS);
  });
  const ended = Promise.all([...threads].map((thread) => thread.terminate())).then(() => true);
  return await Promise.race([ended, late]).finally(() => clearTimeout(timer));
}
