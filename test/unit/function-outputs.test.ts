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
export const givesAgain = ({ length }) => Array(length).fill(flat(1_000));
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
    error: { message: expect.stringMatching(/^RangeError: x{1000,65000}/) as string },
  });
  expect(JSON.stringify(thrown).length + lines.join("").length).toBeLessThan(300_000);
  const skipped = await run("skipsMuch", { length: 20_000_000 });
  expect(skipped).toMatchObject({ ok: true, skipped: expect.stringMatching(/^x+ \[…\]$/) as string });
});

test("what a module posts to its parent is for nobody", async () => {
  expect(await run("posts")).toEqual({ ok: true, output: { result: "posted" } });
});
