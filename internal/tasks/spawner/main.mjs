// Starts the commands of another process, and ends what is left of them when that one is gone.
//
// To start a program costs a process the more the larger it is: the kernel copies the tables of its memory, and its loop
// stands still meanwhile. So there is this one, which stays small, in a session of its own, and has all to do with what
// it started: the folder, the pipes, the end of the processes. When the other process is gone, also after `kill -9`, the
// kernel closes the channel to it, and what still runs is ended. All that an attempt starts inherits its mark, which is
// known before the first process is; so there is no moment at which one could slip away.
//
// Plain JavaScript, so that it runs from the sources too.
import { Command } from "./command.mjs";
import { endMarked } from "./marked.mjs";

/** @import { Asked, Told } from "../bash-spawner.ts" */

/** And those that have ended, of which something is kept. @type {Map<number, Command>} */
const running = new Map();

// What a terminal or a supervisor sends to all of its processes is for the other one to act on.
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) process.on(signal, () => undefined);

process.on("uncaughtException", (error) => tell({ crash: String(error.stack) }, () => process.exit(1)));

process.on("message", (/** @type {Asked} */ asked) => {
  if ("isThere" in asked) {
    tell({ isHere: true });
    return;
  }
  const { id } = asked;
  if ("stop" in asked) {
    running.get(id)?.stop();
    return;
  }
  if ("letGo" in asked) {
    void letGo(id);
    return;
  }
  const command = new Command(asked.launch, (stream, bytes, sent) => tell({ id, stream, bytes }, sent));
  running.set(id, command);
  void command.ended.then((ended) => {
    if (ended.isKept !== true) running.delete(id);
    tell({ id, ended });
  });
});

/** @param {number} id */
async function letGo(id) {
  await running.get(id)?.tidy();
  running.delete(id);
  tell({ id, isRemoved: true });
}

process.on("disconnect", () => void abandon());

async function abandon() {
  const left = [...running.values()];
  for (const command of left) command.kill();
  await endMarked(left.map(({ mark }) => mark));
  await Promise.all(left.map((command) => command.tidy()));
  process.exit();
}

/**
 * @param {Told} told
 * @param {() => void} sent Called when it is on its way, and when nobody is there to take it.
 */
function tell(told, sent = () => undefined) {
  if (process.connected) process.send?.(told, undefined, undefined, sent);
  else sent();
}
