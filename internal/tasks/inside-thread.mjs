// What runs on a function's thread: loads the module once, then one call at a time; see function-thread.ts.
//
// Beside the pool's own channel, which carries calls and answers, there is one for what comes while a call runs: that
// it must end, and what it logs. Plain JavaScript, so that it runs from the sources too.
import { MessageChannel, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { callFunction, failure, functionContext } from "./function-call.mjs";
import { loadFunctions } from "./load-functions.mjs";

/** @import { FunctionName, ThreadCall, ThreadFolder, ThreadNews, ThreadStop, ThreadWish } from "./function-thread.ts" */

const MAX_WAITING = 1_024 * 1_024;
/** What news costs beside its bytes: all that waits is read at one go, and who reads it does nothing else meanwhile. */
const COST = 2_048;
const encoder = new TextEncoder();

// Not waited for here: what the module does while it loads must not keep the pool from knowing this thread.
const loading = loadFunctions(workerData.file);

const { port1: port, port2 } = new MessageChannel();
/** How much news nobody has taken yet, in bytes and what they cost. */
const waiting = new Int32Array(new SharedArrayBuffer(4));
parentPort?.postMessage({ port: port2, waiting }, [port2]);
/** @type {{ readonly id: number; readonly controller: AbortController; given: (folder: ThreadFolder) => void } | undefined} */
let current;
/** It may come before its call, which takes another way. @type {ThreadStop | undefined} */
let stop;
port.on("message", hear);
// Only calls keep a thread busy.
port.unref();

/** @param {ThreadStop | ThreadFolder} message */
function hear(message) {
  if (!("reason" in message)) {
    if (current?.id === message.id) current.given(message);
    return;
  }
  stop = message;
  if (current?.id === stop.id) current.controller.abort(stop.reason);
}

/**
 * What keeps the module from being used, or its functions.
 *
 * @returns {Promise<readonly FunctionName[] | string>}
 */
export async function names() {
  const functions = await loading;
  if (typeof functions === "string") return functions;
  return [...functions.values()].map(({ name, memoryMb }) => ({
    name,
    ...(memoryMb === undefined ? {} : { memoryMb }),
  }));
}

/**
 * Resolves with a `TaskReturn` as JSON: an output that is deeply nested would be lost on its way as an object.
 *
 * @param {ThreadCall} call
 */
export async function call({ id, name, params, identity, deadline }) {
  const functions = await loading;
  if (typeof functions === "string") throw new Error(functions);
  const fn = functions.get(name);
  if (fn === undefined) throw new Error(`this time the module exports no function '${name}'`);
  for (let said; (said = receiveMessageOnPort(port)) !== undefined;) hear(said.message);
  if (stop?.id === id) return JSON.stringify(failure("cancelled", "ended before it began"));
  const controller = new AbortController();
  const log = (/** @type {unknown} */ line) =>
    tell({ id, stream: "log", bytes: encoder.encode(String(line)) });
  /** @type {Promise<string> | undefined} */
  let asked;
  const folder = () => (asked ??= askForFolder(id));
  current = { id, controller, given: () => undefined };
  const context = functionContext({ signal: controller.signal, deadline, identity, log, folder });
  const answer = await callFunction(fn, params, context);
  current = undefined;
  return JSON.stringify(answer);
}

/**
 * @param {number} id
 * @returns {Promise<string>}
 */
function askForFolder(id) {
  return new Promise((resolve, reject) => {
    if (current?.id !== id) {
      reject(new Error("there is no folder any more: the attempt is over"));
      return;
    }
    current.given = (answer) => {
      if ("folder" in answer) resolve(answer.folder);
      else reject(new Error(`no folder could be made: ${answer.noFolder}`));
    };
    port.postMessage(/** @satisfies {ThreadWish} */ ({ id, wants: "folder" }));
  });
}

/**
 * A function that prints without end, and without a pause, is held up here: what it prints would fill the memory.
 *
 * @param {Omit<ThreadNews, "weight">} news
 */
function tell(news) {
  const weight = news.bytes.length + COST;
  Atomics.add(waiting, 0, weight);
  port.postMessage({ ...news, weight });
  for (let bytes; (bytes = Atomics.load(waiting, 0)) > MAX_WAITING;) Atomics.wait(waiting, 0, bytes);
}

divert("stdout", process.stdout);
divert("stderr", process.stderr);

/**
 * What a function prints belongs to its attempt. While none runs it goes where it always went.
 *
 * @param {"stdout" | "stderr"} name
 * @param {NodeJS.WriteStream} stream
 */
function divert(name, stream) {
  const write = stream.write.bind(stream);
  /** @type {(chunk: string | Uint8Array, ...more: any[]) => boolean} */
  stream.write = (chunk, ...more) => {
    if (current === undefined) return write(chunk, ...more);
    const [encoding] = more;
    // A copy: what a buffer is a part of would be sent as a whole.
    const bytes = new Uint8Array(
      typeof chunk === "string" ? Buffer.from(chunk, encodingOf(encoding)) : chunk,
    );
    tell({ id: current.id, stream: name, bytes });
    const callback = more.at(-1);
    if (typeof callback === "function") queueMicrotask(callback);
    return true;
  };
}

/**
 * The second argument may be a callback.
 *
 * @param {unknown} encoding
 */
function encodingOf(encoding) {
  return typeof encoding === "string" && Buffer.isEncoding(encoding) ? encoding : "utf8";
}
