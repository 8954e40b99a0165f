import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import type { PrintStream, TaskContext, TaskReturn } from "../../internal/ports/task-executor.ts";
import { FunctionsNotLoaded, FunctionThreads } from "../../internal/tasks/function-threads.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const DEFINE_FUNCTION = new URL("../../internal/tasks/define-function.mjs", import.meta.url).href;
const SOURCE = `
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { resourceLimits, threadId } from "node:worker_threads";
import { defineFunction } from "${DEFINE_FUNCTION}";
let calls = 0;
const mark = (file) => file === undefined || writeFileSync(file, "");
const never = () => new Promise(() => setInterval(() => {}, 1_000));
export const where = () => ({ thread: threadId, calls: ++calls, limit: resourceLimits.maxOldGenerationSizeMb });
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
const loadedWith = { ...process.env };
export const finds = () => ({
  thread: Object.keys(process.env),
  module: Object.keys(loadedWith),
  child: execFileSync("env", { encoding: "utf8" }).split("\\n").map((line) => line.split("=")[0]),
});
export function exit() { process.exit(3); }
export async function exitsDeep() { setImmediate(() => queueMicrotask(() => process.exit())); await never(); }
export function aborts() { process.abort(); }
export async function throwsLater() { setTimeout(() => { throw new TypeError("too late"); }, 1); await never(); }
export async function rejectsLater() { void Promise.reject(new RangeError("later still")); await never(); }
export function throwsAfterwards() { setTimeout(() => { throw new Error("long after"); }, 1); }
export function exitsAfterwards() { setTimeout(() => process.exit(5), 1); }
export function prints(params, { log }) {
  log("first");
  console.log("by %s", "console");
  process.stdout.write("in ");
  process.stdout.write(Buffer.from("pieces\\nand "));
  console.error("on stderr");
  process.stdout.write("ff", "hex");
  process.stdout.write("without an end");
}
export function floods({ begun }) {
  const line = "x".repeat(1_023) + "\\n";
  for (let bytes = 0; ; bytes += line.length) {
    writeFileSync(begun, String(bytes));
    process.stdout.write(line);
  }
}
export const ofItsOwn = defineFunction({ name: "small", memoryMb: 24, handler: () => where() });
export const other = defineFunction({ name: "smallMemory", memoryMb: 24, handler: () => memory() });
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
let printed: [stream: PrintStream, text: string][] = [];
function run(name: string, params: JsonObject = {}, stop = new AbortController()): Promise<TaskReturn> {
  lines = [];
  printed = [];
  const log = (line: string): void => void lines.push(line);
  const print = (stream: PrintStream, bytes: Uint8Array): void =>
    void printed.push([stream, new TextDecoder().decode(bytes)]);
  return threads.run(call(name, { params }), { ...context(stop.signal), graceMs: 200, log, print });
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
  [
    "memory",
    "out-of-memory: used more than the 64 MiB of heap that it may (--function-memory, or the function's memoryMb)",
    [],
  ],
  ["exit", "function-error: ended its thread by process.exit(3)", []],
  ["exitsDeep", "function-error: ended its thread by process.exit(0)", []],
  ["aborts", "function-error: TypeError: process.abort() is not supported in workers", [expect.any(String)]],
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

test("an exit after the end leaves the next call alone", async () => {
  const { output: before } = await run("where");
  expect(await run("exitsAfterwards")).toEqual({ ok: true, output: {} });
  const { output } = await until(async () => {
    const next = await run("where");
    return next.ok && next.output.thread !== before?.thread && next;
  });
  expect(output.calls).toBe(1);
});

test("what it logs and prints is there before the answer is", async () => {
  await run("prints");
  expect(lines).toEqual(["first"]);
  expect(printed).toEqual([
    ["stdout", "by console\n"],
    ["stdout", "in "],
    ["stdout", "pieces\nand "],
    ["stderr", "on stderr\n"],
    ["stdout", "\uFFFD"],
    ["stdout", "without an end"],
  ]);
});

test("what it prints while the worker is busy holds it up, instead of filling the memory", async () => {
  const begun = `${folder.path}/floods`;
  const stop = new AbortController();
  let bytes = 0;
  const print = (_stream: PrintStream, part: Uint8Array): void => void (bytes += part.length);
  const running = threads.run(call("floods", { params: { begun } }), {
    ...context(stop.signal),
    graceMs: 200,
    print,
  });
  // Nothing is taken from the thread until this turn of the loop ends.
  const size = (): number => (existsSync(begun) ? Number(readFileSync(begun, "utf8") || 0) : 0);
  await until(() => size() > 0);
  let [before, now] = [-1, size()];
  const deadline = performance.now() + 20_000;
  while (before !== now && performance.now() < deadline) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    [before, now] = [now, size()];
  }
  expect(now - bytes).toBeLessThan(4 * 1_024 * 1_024);
  expect(before).toBe(now);
  await until(() => bytes > now);
  stop.abort("cancelled");
  expect(await running).toMatchObject({ ok: false, error: { reason: "cancelled" } });
  await expectAlive();
});

test("what the worker keeps from tasks is in no environment of a function", async () => {
  vi.stubEnv("JETDAG_SECRET_TOKEN", "s3cr3t-t0k3n");
  vi.stubEnv("NATS_URL", "nats://user:password@localhost");
  vi.stubEnv("OF_EVERYBODY", "here");
  try {
    const file = await folder.write("finds.mjs", SOURCE);
    await using fresh = await closing({ file, memoryMb: 64, observer });
    const { output = {} } = await fresh.threads.run(call("finds"), context());
    for (const [where, names] of Object.entries(output)) {
      expect(names, where).toContain("OF_EVERYBODY");
      expect(names, where).toContain("PATH");
      const kept = (names as string[]).filter((name) => /^(?:JETDAG_|NATS_)/.test(name));
      expect(kept, where).toEqual([]);
    }
  } finally {
    vi.unstubAllEnvs();
  }
});

test("a function has as much memory as it says, and no other has it", async () => {
  const small = await run("small");
  const usual = await run("where");
  expect(small.output?.limit).toBe(24);
  expect(usual.output?.limit).toBe(64);
  expect(small.output?.thread).not.toBe(usual.output?.thread);
  expect((await run("small")).output?.thread).toBe(small.output?.thread);
  expect(await run("smallMemory")).toMatchObject({
    ok: false,
    error: { reason: "out-of-memory", message: expect.stringContaining("more than the 24 MiB") as string },
  });
  await expectAlive();
});

test.each([
  ["missing", undefined, "no such file"],
  ["broken", "export const = 1", "it cannot be loaded: Unexpected token"],
  ["throwing", "throw new TypeError('not today');", "it cannot be loaded: not today"],
  ["ending", "process.exit(1);", "it cannot be loaded: ended its thread by process.exit(1)"],
  ["empty", "export const x = 1; export class Y {}", "it exports no function by name"],
  [
    "doubled",
    `import { defineFunction } from "${DEFINE_FUNCTION}";
     export const load = () => 1; export const x = defineFunction({ name: "load", handler: () => 2 });`,
    "two of its exports, load and x, are functions named 'load': rename one",
  ],
  [
    "misdefined",
    `import { defineFunction } from "${DEFINE_FUNCTION}";
     export const x = defineFunction({ name: "x", handler: () => 1, memoryMb: 4 });`,
    "it cannot be loaded: defineFunction: memoryMb: must be a whole number from 16 up (of 'x')",
  ],
  [
    "lacking",
    'import { gone } from "node:fs"; export const x = () => gone;',
    "it cannot be loaded: The requested",
  ],
  ["alone", 'import "./nowhere.mjs"; export const x = () => 1;', "it cannot be loaded: Cannot find module"],
])("a module that cannot be used: %s", async (name, text, message) => {
  const file = text === undefined ? `${folder.path}/none.mjs` : await folder.write(`${name}.mjs`, text);
  const loading = FunctionThreads.load({ file, memoryMb: 64, observer });
  await expect(loading).rejects.toThrow(FunctionsNotLoaded);
  await expect(loading).rejects.toThrow(`functions file '${file}': ${message}`);
});

test.each([
  ["waits for ever", "await new Promise(() => setInterval(() => {}, 1_000)); export const x = () => 1;"],
  ["never lets go", "for (;;); export const x = () => 1;"],
])("a module that %s while it loads is given up", async (name, text) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const file = await folder.write(`hangs-${name.length}.mjs`, text);
    const loading = FunctionThreads.load({ file, memoryMb: 64, observer });
    vi.advanceTimersByTime(30_000);
    await expect(loading).rejects.toThrow(`functions file '${file}': it had not loaded after 30 s`);
  } finally {
    vi.useRealTimers();
  }
});

test("a module in TypeScript is loaded where Node reads it, and else says what Node reads", async () => {
  const file = await folder.write("typed.ts", "export const x = (params: object): object => params;");
  const loading = FunctionThreads.load({ file, memoryMb: 64, observer });
  const { typescript = false } = process.features as { readonly typescript?: string | false };
  if (typescript !== false) {
    await (await loading).close();
    return;
  }
  await expect(loading).rejects.toThrow("Node cannot load this kind of file: use .js, .mjs or .cjs");
});

async function closing(
  options: Parameters<typeof FunctionThreads.load>[0],
): Promise<{ readonly threads: FunctionThreads } & AsyncDisposable> {
  const threads = await FunctionThreads.load(options);
  return { threads, [Symbol.asyncDispose]: () => threads.close() };
}
