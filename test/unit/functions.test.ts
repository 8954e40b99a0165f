import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TaskFunction, TaskReturn } from "../../internal/ports/task-executor.ts";
import { FunctionTaskExecutor } from "../../internal/tasks/function.ts";
import { FunctionThreads } from "../../internal/tasks/function-threads.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";

const SOURCE = `
export function give({ kind }) {
  return {
    date: { at: new Date(0), gone: undefined },
    url: new URL("http://host/"),
    list: [1, undefined],
    nothing: undefined,
    nan: { x: NaN },
    big: { deep: [{ n: 1n }] },
    fn: { f: () => 1 },
    proto: JSON.parse('{"__proto__": {"x": 1}}'),
    getter: { get x() { throw new RangeError("no x"); } },
  }[kind];
}
export function throws() { throw new TypeError("first line\\nsecond"); }
export async function rejects() { throw new class Odd extends Error { name = "Odd"; }("later"); }
export function text() { throw "words"; }
export function context(params, { identity, signal }) { return { params, identity, aborted: signal.aborted }; }
`;

const folder = await TestFolder.make();
const threads: FunctionThreads[] = [];
afterAll(async () => {
  await Promise.all(threads.map((each) => each.close()));
  await folder[Symbol.asyncDispose]();
});

describe.each([
  ["inline", registerInline],
  ["on threads", registerOnThreads],
])("functions %s", (_name, register) => {
  const functions = new FunctionTaskExecutor();
  beforeAll(async () => {
    await register(functions, await folder.write("functions.mjs", SOURCE));
  });
  const logged: string[] = [];
  const run = async (command: string, params = {}): Promise<TaskReturn> => {
    logged.length = 0;
    const log = (line: string): void => void logged.push(line);
    return functions.execute(call(command, { params, type: "function" }), { ...context(), log });
  };

  test.each([
    ["date", '{"at":"1970-01-01T00:00:00.000Z"}'],
    ["url", '{"result":"http://host/"}'],
    ["list", '{"result":[1,null]}'],
    ["nothing", "{}"],
    ["proto", '{"__proto__":{"x":1}}'],
  ])("an output is what JSON makes of it: %s", async (kind, output) => {
    const result = await run("give", { kind });
    expect(result.ok).toBe(true);
    expect(JSON.stringify(result.output)).toBe(output);
  });

  test.each([
    ["nan", "output.x is NaN, which JSON cannot carry"],
    ["big", "output.deep[0].n is a bigint, which JSON cannot carry"],
    ["fn", "output.f is a function, which JSON cannot carry"],
    ["getter", "output cannot be read: RangeError: no x"],
  ])("what JSON cannot carry is refused: %s", async (kind, message) => {
    const error = { reason: "output-not-serialisable", message };
    expect(await run("give", { kind })).toEqual({ ok: false, error });
  });

  test.each([
    ["throws", "TypeError: first line", /^TypeError: first line\nsecond\n {4}at throws \(.*:\d+:\d+\)$/],
    ["rejects", "Odd: later", /^(Odd|Error): later\n {4}at rejects \(.*:\d+:\d+\)$/],
  ])("an error keeps its class, and its place without our own frames: %s", async (name, message, place) => {
    const stack = expect.stringMatching(place) as string;
    expect(await run(name)).toMatchObject({
      ok: false,
      error: { reason: "function-error", message },
      output: { error: { name: message.split(":")[0], stack } },
    });
    expect(logged).toEqual([stack]);
  });

  test("what is thrown may be no error", async () => {
    const error = { reason: "function-error", message: "thrown: words" };
    expect(await run("text")).toEqual({ ok: false, error });
  });

  test("it is told its params and who it is", async () => {
    const of = { runId: "r", task: "t", index: 0, attempt: 2, dagName: "d", tenantId: "x" };
    const identity = { ...of, idempotencyKey: "r.t.0.2" };
    const output = { params: { a: [1, { b: null }] }, identity, aborted: false };
    expect(await run("context", output.params)).toEqual({ ok: true, output });
  });

  test("what nobody knows is told with what is known", async () => {
    expect(await run("nobody")).toMatchObject({
      error: {
        reason: "unknown-function",
        message: expect.stringContaining("known: context, echo") as string,
      },
    });
  });

  test("a name can be taken once", () => {
    expect(() => functions.register("throws", () => 1)).toThrow("registered already");
  });
});

describe("built-in functions", () => {
  const functions = new FunctionTaskExecutor();

  test("fail says what it was asked to", async () => {
    expect(await functions.execute(call("fail", { params: { message: "asked" } }), context())).toMatchObject({
      error: { message: "Error: asked" },
    });
  });

  test("a sleep of many days goes on, until it is ended", async () => {
    const stop = new AbortController();
    const sleep = (seconds: number): Promise<TaskReturn> =>
      functions.execute(call("sleep", { params: { seconds } }), context(stop.signal));
    const asleep = sleep(2 ** 31 / 1_000 + 1);
    expect(await Promise.race([asleep, sleep(0.1)])).toEqual({ ok: true, output: { slept: 0.1 } });
    stop.abort();
    expect(await asleep).toMatchObject({ error: { message: "Error: sleep was ended before its time" } });
  });
});

async function registerInline(functions: FunctionTaskExecutor, file: string): Promise<void> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, TaskFunction>;
  for (const [name, fn] of Object.entries(module)) functions.register(name, fn);
}

async function registerOnThreads(functions: FunctionTaskExecutor, file: string): Promise<void> {
  const observer = { observe: (): void => undefined };
  const loaded = await FunctionThreads.load({ file, memoryMb: 64, observer });
  threads.push(loaded);
  functions.registerThreads(loaded);
}
