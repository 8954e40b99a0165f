/** Functions of a program that embeds jetdag: closures inline, those of a module on threads. */
import { threadId } from "node:worker_threads";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BadInput, DistributedExecutor, fn, dag, LocalExecutor } from "../../cmd/library/jetdag.ts";
import { FunctionsNotLoaded } from "../../internal/tasks/function-threads.ts";
import type { Observation } from "../../internal/ports/observer.ts";
import { TestFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

let folder: TestFolder;
let functions: string;
beforeAll(async () => {
  folder = await TestFolder.make();
  functions = await folder.write(
    "functions.mjs",
    `import { threadId } from "node:worker_threads";
    export const onThread = () => ({ thread: threadId });
    export function exits() { process.exit(1); }
    export function prints(_params, { log }) {
      process.stdout.write(Buffer.from([0x61, 0xc3]));
      console.error("beside");
      process.stdout.write(Buffer.from([0xa9, 0x0a]));
      log("logged");
      process.stdout.write("two\\nlines\\nand a half");
      process.stderr.write("x".repeat(70_000));
    }`,
  );
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

test("a closure runs inline, with the program's memory; a function of the module on a thread of its own", async () => {
  await using executor = new LocalExecutor({ functions, functionMemoryMb: 32 });
  let calls = 0;
  executor.registerFunction("inline", () => ({ thread: threadId, calls: ++calls }));
  await executor.start();
  const { tasks } = await executor.execute({
    dag: dag("both").task("inline", fn("inline")).task("onThread", fn("onThread")).task("exits", fn("exits")),
  });
  expect(tasks.inline?.output).toEqual({ thread: threadId, calls: 1 });
  expect(calls).toBe(1);
  expect(tasks.onThread?.output).toEqual({ thread: expect.any(Number) as number });
  expect(tasks.onThread?.output?.thread).not.toBe(threadId);
  expect(tasks.exits?.error?.message).toContain("ended its thread by process.exit(1)");
});

test("what a function of the module prints is heard line by line, among what it logs", async () => {
  const heard: string[] = [];
  const observer = {
    observe: (each: Observation): void => void (each.kind === "task-logged" && heard.push(each.line)),
  };
  await using executor = new LocalExecutor({ functions, functionMemoryMb: 32, observer });
  await executor.start();
  await executor.execute({ dag: dag("prints").task("prints", fn("prints")) });
  await until(
    () => heard.length > 5,
    () => heard,
  );
  expect(heard.map((line) => line.slice(0, 20))).toEqual([
    "beside",
    "aé",
    "logged",
    "two\nlines",
    "x".repeat(20),
    "and a half",
  ]);
});

test("start rejects when the module cannot be used", async () => {
  const missing = new LocalExecutor({ functions: `${folder.path}/none.mjs` });
  await expect(missing.start()).rejects.toThrow(FunctionsNotLoaded);
  const taken = new LocalExecutor({ functions });
  taken.registerFunction("onThread", () => 1);
  await expect(taken.start()).rejects.toThrow("a function named 'onThread' is registered already");
});

test.each([
  [{ functions: "" }, "functions must be text that is not empty"],
  [{ functions: "f.mjs", functionMemoryMb: 8 }, "functionMemoryMb must be a whole number from 16 up"],
])("refuses %j", (options, message) => {
  expect(() => new LocalExecutor(options)).toThrow(message);
});

test("an executor without slots of its own has no use for a module", () => {
  expect(() => new DistributedExecutor({ nats: "nats://127.0.0.1:1", functions })).toThrow(BadInput);
});
