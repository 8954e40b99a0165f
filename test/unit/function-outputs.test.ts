/** Functions on threads that hand over too much, too deep, or to nobody: what fails is the attempt. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import { FunctionThreads } from "../../internal/tasks/function-threads.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";

const DEFINE_FUNCTION = new URL("../../internal/tasks/define-function.mjs", import.meta.url).href;
const SOURCE = `
import { parentPort, threadId } from "node:worker_threads";
import { SkipTask } from "${DEFINE_FUNCTION}";
export const where = () => ({ thread: threadId });
const flat = (length) => Buffer.alloc(length, "x").toString("latin1");
export const gives = ({ length }) => ({ text: flat(length) });
export const givesControl = ({ length }) => ({ text: "\\u0001".repeat(length) });
export const givesQuotes = ({ length }) => ({ text: '"'.repeat(length) });
export const givesAgain = ({ length }) => Array(length).fill(flat(1_000));
export const longList = ({ length }) => Array.from({ length }, (_, i) => i / 7);
export const holes = ({ length }) => { const list = []; list.length = length; return list; };
export const bytes = ({ length }) => Buffer.alloc(length);
export const numbers = ({ length }) => new Uint8Array(length);
export const boxed = ({ length }) => new String("x".repeat(length));
export const digits = ({ length }) => new Array(length).fill(1);
export const lines = ({ length }) => "a line\\n\u{1F600}\\n".repeat(length / 10);
export const throwsMore = ({ length }) => { throw new Error("m".repeat(length)); };
export const throwsText = ({ length }) => { throw "m".repeat(length); };
export const throwsMuch = ({ length }) => { throw new RangeError(flat(length)); };
export const skipsMuch = ({ length }) => { throw new SkipTask(flat(length)); };
export const nests = ({ levels }) => {
  let value = [];
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
};
export const posts = () => {
  for (const message of [null, 1, {}, { port: {} }]) parentPort.postMessage(message);
  return "posted";
};
`;

let folder: TestFolder;
let threads: FunctionThreads;
let lines: string[] = [];
beforeAll(async () => {
  folder = await TestFolder.make();
  const file = await folder.write("functions.mjs", SOURCE);
  threads = await FunctionThreads.load({ file, memoryMb: 64, observer: { observe: () => undefined } });
});
afterAll(async () => {
  await threads.close();
  await folder[Symbol.asyncDispose]();
});

function run(name: string, params: JsonObject = {}): Promise<TaskReturn> {
  lines = [];
  const log = (line: string): void => void lines.push(line);
  return threads.run(call(name, { params }), { ...context(), log });
}

const LIMIT = "the output has more than 16 MiB as JSON, a quarter of the heap that it may use";
const TOO_DEEP = "the output has objects or lists within each other too deep to be written as JSON";
test.each([
  ["gives", { length: 40_000_000 }, LIMIT],
  ["givesControl", { length: 5_000_000 }, LIMIT],
  ["givesQuotes", { length: 9_000_000 }, LIMIT],
  ["lines", { length: 13_000_000 }, LIMIT],
  ["longList", { length: 1_500_000 }, LIMIT],
  ["holes", { length: 8_500_000 }, LIMIT],
  ["holes", { length: 2 ** 32 - 1 }, LIMIT],
  ["bytes", { length: 500_000_000 }, LIMIT],
  ["numbers", { length: 500_000_000 }, LIMIT],
  ["boxed", { length: 400_000_000 }, LIMIT],
  ["givesAgain", { length: 20_000 }, LIMIT],
  ["nests", { levels: 45_000 }, TOO_DEEP],
])(
  "what is too much to be written as JSON is told, and ends no thread: %s",
  async (name, params, message) => {
    const { output: before } = await run("where");
    expect(await run(name, params)).toMatchObject({
      ok: false,
      error: { reason: "output-not-serialisable", message: expect.stringContaining(message) as string },
    });
    expect((await run("where")).output?.thread).toBe(before?.thread);
  },
);

test("what is below the limit comes through", async () => {
  const { output } = await run("gives", { length: 15_000_000 });
  expect(output?.text).toHaveLength(15_000_000);
});

test("an error of many megabytes is cut on the thread", async () => {
  const thrown = await run("throwsMuch", { length: 20_000_000 });
  expect(thrown).toMatchObject({
    ok: false,
    error: { message: expect.stringMatching(/^RangeError: a text of 20000000 characters \[…\]$/) as string },
  });
  expect(JSON.stringify(thrown).length + lines.join("").length).toBeLessThan(300_000);
  const skipped = await run("skipsMuch", { length: 20_000_000 });
  expect(skipped).toMatchObject({ ok: true, skipped: expect.stringMatching(/ \[…\]$/) as string });
});

test.each([
  ["throwsMore", 60_000_000, "Error: a text of 60000000 characters […]"],
  ["throwsMore", 500_000_000, "Error: a text of 500000000 characters […]"],
  ["throwsText", 500_000_000, "thrown: a text of 500000000 characters […]"],
])("what is thrown has more characters than the heap has room for: %s, %d", async (name, length, message) => {
  const { output: before } = await run("where");
  expect(await run(name, { length })).toMatchObject({ error: { reason: "function-error", message } });
  expect((await run("where")).output?.thread).toBe(before?.thread);
});

test("a long message is cut, also where the stack begins with it, and the stack keeps its frames", async () => {
  const { ok, ...thrown } = await run("throwsMuch", { length: 50_000 });
  const message = `RangeError: ${"x".repeat(4_080)} […]`;
  expect({ ok, ...thrown }).toMatchObject({ ok: false, error: { message } });
  expect(lines.join("\n")).toMatch(/^RangeError: x{4000,4096} \[…\]\n {4}at throwsMuch /);
});

test.each([
  ["digits", 1_000_000],
  ["lines", 6_000_000],
])(
  "what would be too long if each part of it were as long as it may be comes through: %s",
  async (name, length) => {
    expect(await run(name, { length })).toMatchObject({ ok: true });
  },
);

test("what a module posts to its parent is for nobody", async () => {
  expect(await run("posts")).toEqual({ ok: true, output: { result: "posted" } });
});
