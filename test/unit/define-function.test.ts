/** Functions that are described: what is checked of them, and what they may throw. */
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  BadInput,
  dag,
  defineFunction,
  fn,
  LocalExecutor,
  NonRetryable,
  SkipTask,
} from "../../cmd/library/jetdag.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import type { DefinedFunction } from "../../internal/tasks/defined-function.ts";
import { FunctionTaskExecutor } from "../../internal/tasks/function.ts";
import { FunctionThreads } from "../../internal/tasks/function-threads.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";

const at = (path: string): string => new URL(`../../${path}`, import.meta.url).href;
const ZOD = import.meta.resolve("zod");

const SOURCE = `
import { z } from "${ZOD}";
import { defineFunction, NonRetryable, SkipTask } from "${at("internal/tasks/define-function.mjs")}";
// A second copy of it, as a package has that brings its own.
import * as copy from "${at("internal/tasks/define-function.mjs")}?copy";

export const load = defineFunction({
  name: "load_rows",
  params: z.object({ city: z.string().min(2), limit: z.coerce.number().default(10), rows: z.array(z.object({ id: z.int() })).default([]) }),
  result: z.object({ rows: z.number(), note: z.string().default("none") }),
  handler: ({ city, limit, rows, ...more }) => ({ rows: city === "wrong" ? "many" : limit + rows.length, more }),
});
export const later = defineFunction({
  name: "later",
  params: z.object({ n: z.number().refine(async (n) => n > 1, "must be above 1") }),
  handler: async ({ n }) => n,
});
const strange = { "~standard": { version: 1, vendor: "own", validate: () => { throw new RangeError("schema broke"); } } };
export const broken = defineFunction({ name: "broken", params: strange, handler: () => 1 });
export default defineFunction({ name: "by_default", handler: () => 1 });
export const again = load;

export const final = () => { throw new NonRetryable("no such customer", { cause: new TypeError("id 7") }); };
class Gone extends copy.NonRetryable { name = "Gone"; }
export const finalCopy = () => { throw new Gone("gone for good"); };
export const skips = () => { throw new SkipTask("no new rows"); };
export const skipsCopy = () => { throw new copy.SkipTask("nothing\\nhere"); };

class CityError extends Error {}
export const ownClass = () => { throw new CityError("unknown city"); };
export const coded = () => { throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" }); };
export const caused = () => { throw new Error("outer", { cause: new RangeError("inner", { cause: { id: 7 } }) }); };
export const circular = () => { const e = new Error("round"); e.cause = e; throw e; };
export const long = () => { throw new Error("x".repeat(100_000)); };
export const number = () => { throw 7; };
export const object = () => { throw { code: 7, text: "words" }; };
export const nothing = () => { throw undefined; };
export const bare = () => { throw Object.create(null); };
export const hostile = () => { throw Object.defineProperty(new Error("x"), "message", { get() { throw new Error("no"); } }); };
export const odd = () => { throw Object.assign(new Error("x"), { name: 7, message: { a: 1 }, stack: null }); };
export const proxied = () => { throw new Proxy({}, { get() { throw new Error("no"); }, ownKeys() { throw new Error("no"); } }); };
export const unshown = () => { throw { [Symbol.for("nodejs.util.inspect.custom")]() { throw new Error("no"); } }; };
export const hiddenCause = () => { throw Object.defineProperty(new Error("x"), "cause", { get() { throw new Error("no"); } }); };
export const reports = (params, { progress }) => {
  for (let i = 0; i <= 1_000; i++) progress(i / 1_000, "row " + i);
  progress(NaN); progress(2); progress(1, "done");
};
export const tells = (params, { deadline, identity }) => ({ deadline, key: identity.idempotencyKey });
`;

const folder = await TestFolder.make();
let threads: FunctionThreads;
const file = await folder.write("functions.mjs", SOURCE);
afterAll(async () => {
  await threads.close();
  await folder[Symbol.asyncDispose]();
});

describe.each([
  ["inline", registerInline],
  ["on threads", registerOnThreads],
])("functions %s", (_name, register) => {
  const functions = new FunctionTaskExecutor();
  beforeAll(() => register(functions));
  const logged: string[] = [];
  const run = async (command: string, params = {}): Promise<TaskReturn> => {
    logged.length = 0;
    const log = (line: string): void => void logged.push(line);
    return functions.execute(call(command, { params, type: "function" }), {
      ...context(),
      deadline: 1_234,
      log,
    });
  };

  test("are found by the name they have; what is exported twice is one", () => {
    expect(functions.names()).toEqual(expect.arrayContaining(["load_rows", "by_default", "skips"]));
    for (const name of ["load", "again", "default", "CityError"])
      expect(functions.names()).not.toContain(name);
  });

  test("get what their schema makes of the params, and give what it makes of the result", async () => {
    const params = { city: "Oslo", limit: "5", rows: [{ id: 1 }], other__task: "not mine" };
    expect(await run("load_rows", params)).toEqual({ ok: true, output: { rows: 6, note: "none" } });
    expect(await run("later", { n: 2 })).toEqual({ ok: true, output: { result: 2 } });
  });

  test.each([
    [
      "load_rows",
      { city: "x", limit: "many", rows: [{ id: 1 }, { id: "2" }] },
      "params.city: Too small: expected string to have >=2 characters; params.limit: Invalid input: expected number, received NaN; params.rows[1].id: Invalid input: expected number, received string",
    ],
    ["load_rows", {}, "params.city: Invalid input: expected string, received undefined"],
    ["later", { n: 1 }, "params.n: must be above 1"],
    [
      "load_rows",
      { city: "Oslo", rows: Array.from({ length: 8 }, () => ({ id: 0.5 })) },
      expect.stringMatching(/^(params\.rows\[\d\]\.id: [^;]*; ){5}and 3 more$/) as string,
    ],
  ])("params that are wrong are bad input, with their places: %s %j", async (name, params, message) => {
    expect(await run(name, params)).toEqual({ ok: false, error: { reason: "bad-input", message } });
  });

  test("a result that is wrong says so", async () => {
    const message = "result.rows: Invalid input: expected number, received string";
    expect(await run("load_rows", { city: "wrong" })).toEqual({
      ok: false,
      error: { reason: "bad-output", message },
    });
  });

  test("a schema that throws is an error of the function", async () => {
    expect(await run("broken")).toMatchObject({
      error: { reason: "function-error", message: "RangeError: schema broke" },
    });
  });

  test.each([
    ["final", "NonRetryable: no such customer", { name: "TypeError", message: "id 7" }],
    ["finalCopy", "Gone: gone for good", undefined],
  ])("what is not to be retried is final: %s", async (name, message, cause) => {
    const result = await run(name);
    expect(result).toMatchObject({ ok: false, error: { reason: "function-error", message, isFinal: true } });
    expect(result.output?.error).toMatchObject(cause === undefined ? {} : { cause });
  });

  test.each([
    ["skips", "no new rows"],
    ["skipsCopy", "nothing\nhere"],
  ])("a task may be skipped: %s", async (name, skipped) => {
    expect(await run(name)).toEqual({ ok: true, output: {}, skipped });
    expect(logged).toEqual([]);
  });

  test.each([
    ["ownClass", "CityError: unknown city", { name: "CityError", message: "unknown city" }],
    ["coded", "Error: refused", { name: "Error", code: "ECONNREFUSED" }],
    ["caused", "Error: outer", { cause: { name: "RangeError", message: "inner", cause: "{ id: 7 }" } }],
    ["circular", "Error: round", { cause: { cause: { message: "round" } } }],
    ["hostile", "Error: ", { name: "Error", message: "" }],
    ["odd", "7: ", { name: "7", message: "" }],
    ["hiddenCause", "Error: x", { name: "Error", message: "x" }],
  ])("an error is kept as far as it can be read: %s", async (name, message, error) => {
    const result = await run(name);
    expect(result).toMatchObject({ error: { reason: "function-error", message }, output: { error } });
    expect(result.ok ? undefined : result.error).not.toHaveProperty("isFinal");
  });

  test("an error is not kept without bounds", async () => {
    expect(JSON.stringify((await run("long")).output).length).toBeLessThan(10_000);
    expect(JSON.stringify((await run("circular")).output).length).toBeLessThan(40_000);
  });

  test.each([
    ["number", "thrown: 7"],
    ["object", "thrown: { code: 7, text: 'words' }"],
    ["nothing", "thrown: undefined"],
    ["bare", "thrown: [Object: null prototype] {}"],
    ["proxied", "thrown: {}"],
    ["unshown", "thrown: object that cannot be shown"],
  ])("what is thrown may be no error: %s", async (name, message) => {
    expect(await run(name)).toEqual({ ok: false, error: { reason: "function-error", message } });
  });

  test("progress is a line in the log, of many at once the first and the last", async () => {
    await run("reports");
    expect(logged).toEqual([
      "progress 0 %: row 0",
      "progress 100 %: row 1000",
      "progress 100 %",
      "progress 100 %: done",
    ]);
  });

  test("they know how long they have, and who they are", async () => {
    expect(await run("tells")).toEqual({ ok: true, output: { deadline: 1_234, key: "r.t.0.2" } });
  });
});

describe("a description that is wrong is refused at once", () => {
  const handler = (): void => undefined;
  test.each<[unknown, string]>([
    [undefined, "takes { name, params, result, memoryMb, handler }"],
    [{ handler }, "name: must be text that is not empty"],
    [{ name: "", handler }, "name: must be text that is not empty"],
    [{ name: "x" }, "handler: must be a function (of 'x')"],
    [
      { name: "x", handler, params: { type: "object" } },
      "params: must be a schema that keeps to standardschema.dev",
    ],
    [{ name: "x", handler, result: 7 }, "result: must be a schema"],
    [{ name: "x", handler, memoryMb: 15 }, "memoryMb: must be a whole number from 16 up (of 'x')"],
    [{ name: "x", handler, memoryMb: "64" }, "memoryMb: must be"],
    [
      { name: "x", handler, retries: 3 },
      "unknown field 'retries'; allowed are name, params, result, memoryMb, handler",
    ],
  ])("%j", (definition, message) => {
    expect(() => defineFunction(definition as Parameters<typeof defineFunction>[0])).toThrow(
      `defineFunction: ${message}`,
    );
  });

  test("schemas may be functions", () => {
    const schema = Object.assign(() => undefined, { "~standard": z.string()["~standard"] });
    expect(defineFunction({ name: "x", params: schema, handler }).name).toBe("x");
  });
});

describe("in a program", () => {
  const double = defineFunction({
    name: "double",
    params: z.object({ n: z.number() }),
    // The compiler knows n: this is no number of anything else.
    handler: ({ n }): number => 2 * n.valueOf(),
  });

  test("a defined function is registered by its own name, or by another", async () => {
    await using executor = new LocalExecutor();
    executor.registerFunction(double);
    executor.registerFunction("twice", double);
    executor.registerFunction("skip", () => {
      throw new SkipTask("nothing to do");
    });
    executor.registerFunction("final", () => {
      throw new NonRetryable("never");
    });
    await executor.start();
    const { tasks, state } = await executor.execute({
      dag: dag("defined")
        .task("double", fn("double"), { params: { n: 4 } })
        .task("twice", fn("twice"), { dependsOn: ["double"], params: { n: 5 } })
        .task("skip", fn("skip"))
        .task("below", fn("double"), { dependsOn: ["skip"] })
        .task("final", fn("final"), { retries: 3, allowFailure: true }),
    });
    expect(state).toBe("completed");
    expect(tasks).toMatchObject({
      double: { output: { result: 8 } },
      twice: { output: { result: 10 } },
      skip: { state: "skipped", skipped: "nothing to do" },
      below: { state: "skipped" },
      final: { state: "failed", attempts: 1 },
    });
  });

  test("what cannot be registered says why", () => {
    const executor = new LocalExecutor();
    executor.registerFunction(double);
    expect(() => executor.registerFunction(double)).toThrow("'double' is registered already");
    const small = defineFunction({ name: "small", memoryMb: 16, handler: () => 1 });
    expect(() => executor.registerFunction(small)).toThrow("'small' cannot be held to its memoryMb here");
    const like = { name: "like", handler: () => 1 };
    expect(() => executor.registerFunction(like)).toThrow(BadInput);
  });
});

async function registerInline(functions: FunctionTaskExecutor): Promise<void> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, DefinedFunction>;
  for (const [name, value] of Object.entries(module)) {
    if (name === "again") continue;
    functions.register(typeof value === "function" ? name : value.name, value);
  }
}

async function registerOnThreads(functions: FunctionTaskExecutor): Promise<void> {
  threads = await FunctionThreads.load({ file, memoryMb: 64, observer: { observe: () => undefined } });
  functions.registerThreads(threads);
}
