// What runs on a function's thread: loads the module once, then one call at a time; see function-thread.ts.
//
// Beside the pool's own channel, which carries calls and answers, there is one for what comes while a call runs: that
// it must end, and what it logs. Plain JavaScript, so that it runs from the sources too.
import { MessageChannel, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { callFunction, failure } from "./function-call.mjs";
import { loadFunctions } from "./load-functions.mjs";

/** @import { ThreadCall, ThreadStop } from "./function-thread.ts" */

// Not waited for here: what the module does while it loads must not keep the pool from knowing this thread.
const loading = loadFunctions(workerData.file);

const { port1: port, port2 } = new MessageChannel();
parentPort?.postMessage({ port: port2 }, [port2]);
/** @type {{ readonly id: number; readonly controller: AbortController; rest: string } | undefined} */
let current;
/** It may come before its call, which takes another way. @type {ThreadStop | undefined} */
let stop;
port.on("message", hear);
// Only calls keep a thread busy.
port.unref();

/** @param {ThreadStop} message */
function hear(message) {
  stop = message;
  if (current?.id === stop.id) current.controller.abort(stop.reason);
}

/** What keeps the module from being used, or the names of its functions. */
export async function names() {
  const functions = await loading;
  return typeof functions === "string" ? functions : [...functions.keys()];
}

/**
 * Resolves with a `TaskReturn` as JSON: an output that is deeply nested would be lost on its way as an object.
 *
 * @param {ThreadCall} call
 */
export async function call({ id, name, params, identity }) {
  const functions = await loading;
  if (typeof functions === "string") throw new Error(functions);
  const fn = functions.get(name);
  if (fn === undefined) throw new Error(`this time the module exports no function '${name}'`);
  for (let said; (said = receiveMessageOnPort(port)) !== undefined;) hear(said.message);
  if (stop?.id === id) return JSON.stringify(failure("cancelled", "ended before it began"));
  const controller = new AbortController();
  const log = (/** @type {string} */ line) => port.postMessage({ id, line });
  current = { id, controller, rest: "" };
  const answer = await callFunction(fn, params, { signal: controller.signal, identity, log });
  if (current.rest !== "") log(current.rest);
  current = undefined;
  return JSON.stringify(answer);
}

for (const stream of [process.stdout, process.stderr]) divert(stream);

/**
 * What a function prints belongs to its task, line by line. While none runs it goes where it always went.
 *
 * @param {NodeJS.WriteStream} stream
 */
function divert(stream) {
  const write = stream.write.bind(stream);
  /** @type {(chunk: string | Uint8Array, ...more: any[]) => boolean} */
  stream.write = (chunk, ...more) => {
    if (current === undefined) return write(chunk, ...more);
    const text = current.rest + (typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
    const end = text.lastIndexOf("\n");
    if (end >= 0) port.postMessage({ id: current.id, line: text.slice(0, end) });
    current.rest = text.slice(end + 1);
    const callback = more.at(-1);
    if (typeof callback === "function") queueMicrotask(callback);
    return true;
  };
}
