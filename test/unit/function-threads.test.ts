import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import type { TaskContext, TaskReturn } from "../../internal/ports/task-executor.ts";
import { FunctionsNotLoaded, FunctionThreads } from "../../internal/tasks/function-threads.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const SOURCE = `
import { existsSync, writeFileSync } from "node:fs";
import { threadId } from "node:worker_threads";
let calls = 0;
const mark = (file) => file === undefined || writeFileSync(file, "");
const never = () => new Promise(() => setInterval(() => {}, 1_000));
export const where = () => ({ thread: threadId, calls: ++calls });
export async function together({ mine, other }) {
  mark(mine);
  while (!existsSync(other)) await new Promise((resolve) => setTimeout(resolve, 5));
  return where();
}
export const deep = () => JSON.parse("[".repeat(2_000) + "]".repeat(2_000));
export function busy({ begun }) { mark(begun); for (;;); }
export async function listens({ begun }, { signal }) {
  mark(begun);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  return { reason: signal.reason };
}
export function memory() { const all = []; for (;;) all.push({ n: Math.random(), text: [1, 2, 3] }); }
export function exit() { process.exit(3); }
export async function throwsLater() { setTimeout(() => { throw new TypeError("too late"); }, 1); await never(); }
export async function rejectsLater() { void Promise.reject(new RangeError("later still")); await never(); }
export function throwsAfterwards() { setTimeout(() => { throw new Error("long after"); }, 1); }
export function prints(params, { log }) {
  log("first");
  console.log("by %s", "console");
  process.stdout.write("in ");
  process.stdout.write(Buffer.from("pieces\\nand "));
  console.error("on stderr");
  process.stdout.write("without an end");
}
`;

let folder: TestFolder;
let threads: FunctionThreads;
const observed: Observation[] = [];
const observer = { observe: (each: Observation): void => void observed.push(each) };
beforeAll(async () => {
  folder = await TestFolder.make();
  const file = await folder.write("functions.mjs", SOURCE);
  threads = await FunctionThreads.load({ file, memoryMb: 64, observer });
});
afterAll(async () => {
  await threads.close();
  await folder[Symbol.asyncDispose]();
});

let lines: string[] = [];
function run(name: string, params: JsonObject = {}, stop = new AbortController()): Promise<TaskReturn> {
  lines = [];
  const log = (line: string): void => void lines.push(line);
  return threads.run(call(name, { params }), { ...context(stop.signal), graceMs: 200, log });
}

/** Nothing that has gone before keeps others from running. */
async function expectAlive(): Promise<void> {
  expect(await run("where")).toMatchObject({ ok: true });
}

test("as many threads as calls run at a time, and each loads the module once", async () => {
  const [a, b] = [`${folder.path}/a`, `${folder.path}/b`];
  const both = await Promise.all([
    run("together", { mine: a, other: b }),
    run("together", { mine: b, other: a }),
  ]);
  const used = new Set(both.map(({ output }) => output?.thread));
  expect(used.size).toBe(2);
  const again = await run("where");
  expect(used).toContain(again.output?.thread);
  expect(again.output?.calls).toBeGreaterThan(1);
});

test("an output that is too deep for other ways comes through", async () => {
  const { output } = await run("deep");
  expect(JSON.stringify(output)).toBe(`{"result":${"[".repeat(2_000)}${"]".repeat(2_000)}}`);
});

test("a function that listens to its signal may end by itself, and says what it came to", async () => {
  const stop = new AbortController();
  const begun = `${folder.path}/listening`;
  const running = run("listens", { begun }, stop);
  await until(() => existsSync(begun));
  stop.abort("timed-out");
  expect(await running).toEqual({ ok: true, output: { reason: "timed-out" } });
});

test("a function that is told to end while its thread still starts does not begin", async () => {
  const stop = new AbortController();
  const file = await folder.write("slow.mjs", `${SOURCE}; await new Promise((go) => setTimeout(go, 100));`);
  await using slow = await closing({ file, memoryMb: 64, observer });
  const patient = (signal: AbortSignal): TaskContext => ({ ...context(signal), graceMs: 60_000 });
  // Holds the thread that is there already, and is not told to end: it too may not have begun yet.
  const first = slow.threads.run(
    call("together", { params: { other: `${folder.path}/go` } }),
    patient(new AbortController().signal),
  );
  const begun = `${folder.path}/begun-late`;
  const second = slow.threads.run(call("listens", { params: { begun } }), patient(stop.signal));
  stop.abort("cancelled");
  expect(await second).toMatchObject({ ok: false, error: { reason: "cancelled" } });
  expect(existsSync(begun)).toBe(false);
  await folder.write("go", "");
  expect(await first).toMatchObject({ ok: true });
});

test("nothing begins after the signal", async () => {
  const stop = new AbortController();
  stop.abort("cancelled");
  const begun = `${folder.path}/never`;
  expect(await run("busy", { begun }, stop)).toMatchObject({ ok: false, error: { reason: "cancelled" } });
  await expectAlive();
  expect(existsSync(begun)).toBe(false);
});

test("a function that never lets go ends with its thread", async () => {
  const stop = new AbortController();
  const begun = `${folder.path}/busy`;
  const running = run("busy", { begun }, stop);
  await until(() => existsSync(begun));
  stop.abort("timed-out");
  expect(await running).toMatchObject({ ok: false, error: { reason: "cancelled" } });
  await expectAlive();
});

test.each([
  ["memory", "out-of-memory: used more than the 64 MiB of heap that a function may (--function-memory)", []],
  ["exit", "function-error: ended its thread by process.exit(3)", []],
  ["throwsLater", "function-error: TypeError: too late", ["TypeError: too late"]],
  ["rejectsLater", "function-error: RangeError: later still", ["RangeError: later still"]],
])("a thread that dies fails the attempt alone: %s", async (name, error, stacks) => {
  const other = run("together", { mine: `${folder.path}/${name}`, other: `${folder.path}/${name}-go` });
  await until(() => existsSync(`${folder.path}/${name}`));
  const result = await run(name);
  expect(result.ok ? undefined : `${result.error.reason}: ${result.error.message}`).toBe(error);
  expect(lines.map((line) => line.split("\n")[0])).toEqual(stacks);
  await folder.write(`${name}-go`, "");
  expect(await other).toMatchObject({ ok: true });
  await expectAlive();
});

test("an error after the end is told, and a fresh thread takes the next call", async () => {
  observed.length = 0;
  expect(await run("throwsAfterwards")).toEqual({ ok: true, output: {} });
  const [told] = await until(() => (observed.length > 0 ? observed : undefined));
  expect(told).toEqual({
    kind: "trouble",
    what: "a function threw an error after its task had ended",
    error: expect.stringMatching(/^Error: long after\n {4}at .*functions\.mjs/) as string,
  });
  await expectAlive();
});

test("what it logs and prints is there before the answer is", async () => {
  await run("prints");
  expect(lines).toEqual(["first", "by console", "in pieces", "and on stderr", "without an end"]);
});

test.each([
  ["missing", undefined, "no such file"],
  ["broken", "export const = 1", "it cannot be loaded: Unexpected token"],
  ["throwing", "throw new TypeError('not today');", "it cannot be loaded: not today"],
  ["ending", "process.exit(1);", "it cannot be loaded: ended its thread by process.exit(1)"],
  ["empty", "export const x = 1;", "it exports no function by name"],
])("a module that cannot be used: %s", async (name, text, message) => {
  const file = text === undefined ? `${folder.path}/none.mjs` : await folder.write(`${name}.mjs`, text);
  const loading = FunctionThreads.load({ file, memoryMb: 64, observer });
  await expect(loading).rejects.toThrow(FunctionsNotLoaded);
  await expect(loading).rejects.toThrow(`functions file '${file}': ${message}`);
});

async function closing(
  options: Parameters<typeof FunctionThreads.load>[0],
): Promise<{ readonly threads: FunctionThreads } & AsyncDisposable> {
  const threads = await FunctionThreads.load(options);
  return { threads, [Symbol.asyncDispose]: () => threads.close() };
}
