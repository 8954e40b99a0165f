/** What functions hand over, in the process and on threads. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { artifacts, defineFunction, type TaskFunction } from "../../cmd/library/functions.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import type { DefinedFunction } from "../../internal/tasks/defined-function.ts";
import { FunctionTaskExecutor } from "../../internal/tasks/function.ts";
import { FunctionThreads } from "../../internal/tasks/function-threads.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const DEFINE_FUNCTION = new URL("../../internal/tasks/define-function.mjs", import.meta.url).href;
const SOURCE = `
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { artifacts } from "${DEFINE_FUNCTION}";
import * as copy from "${DEFINE_FUNCTION}?copy";
export const records = () => artifacts([{ metadata: { n: 1 } }, { name: "b", origin: null }], { rows: 2 });
export const ofACopy = () => copy.artifacts([{ id: "c" }]);
export const many = ({ count }) => artifacts(Array.from({ length: count }, (_, n) => ({ metadata: { n } })));
export async function file(params, { folder }) {
  const [path, same] = await Promise.all([folder(), folder()]);
  await writeFile(join(path, "a.txt"), "bytes");
  return artifacts([{ path: join(path, "a.txt") }], { isSame: path === same });
}
export async function dies(params, { folder }) {
  await writeFile(params.told, await folder());
  process.exit(7);
}
export const loses = async (params, { folder }) => { await writeFile(params.told, await folder()); throw new Error("lost"); };
`;

let home: TestFolder;
let threads: FunctionThreads;
beforeAll(async () => {
  home = await TestFolder.make();
  const file = await home.write("functions.mjs", SOURCE);
  threads = await FunctionThreads.load({ file, memoryMb: 128, observer: { observe: () => undefined } });
});
afterAll(async () => {
  await threads.close();
  await home[Symbol.asyncDispose]();
});

/** What it answers, and an end that comes when it is told to. */
async function onThread(name: string, params: JsonObject = {}): Promise<{ answer: TaskReturn; end(): void }> {
  const acts: (() => void)[] = [];
  const around = { ...context(), atEnd: (act: () => void) => void acts.push(act) };
  const answer = await threads.run(call(name, { params }), around);
  return { answer, end: () => acts.forEach((act) => act()) };
}

function inline(fn: TaskFunction | DefinedFunction): Promise<TaskReturn> {
  const executor = new FunctionTaskExecutor();
  executor.register("fn", fn);
  return executor.execute(call("fn"), context());
}

describe("what a function hands over", () => {
  test("comes with its output, and without one", async () => {
    expect((await onThread("records")).answer).toEqual({
      ok: true,
      output: { rows: 2 },
      artifacts: [{ metadata: { n: 1 } }, { name: "b", origin: null }],
    });
    expect((await onThread("ofACopy")).answer).toEqual({ ok: true, output: {}, artifacts: [{ id: "c" }] });
    expect(await inline(() => artifacts([{ name: "a" }], "text"))).toEqual({
      ok: true,
      output: { result: "text" },
      artifacts: [{ name: "a" }],
    });
  });

  test("may be a hundred thousand", async () => {
    const { answer } = await onThread("many", { count: 100_000 });
    expect(answer.ok && answer.artifacts?.length).toBe(100_000);
    expect(answer.ok && answer.artifacts?.at(-1)).toEqual({ metadata: { n: 99_999 } });
  });

  test("is no output of that name", async () => {
    expect(await inline(() => ({ artifacts: [{ name: "a" }], output: 1 }))).toEqual({
      ok: true,
      output: { artifacts: [{ name: "a" }], output: 1 },
    });
  });

  test("is beside what a schema checks", async () => {
    const result = z.object({ rows: z.number() });
    const good = defineFunction({ name: "good", result, handler: () => artifacts([{}], { rows: 1 }) });
    expect(await inline(good)).toEqual({ ok: true, output: { rows: 1 }, artifacts: [{}] });
    // @ts-expect-error -- text is no number, and the compiler knows.
    const bad = defineFunction({ name: "bad", result, handler: () => artifacts([{}], { rows: "1" }) });
    expect(await inline(bad)).toMatchObject({ ok: false, error: { reason: "bad-output" } });
  });

  test.each<[string, unknown, string]>([
    [
      "a function",
      { metadata: { f: () => 1 } },
      "artifacts[0].metadata.f is a function, which JSON cannot carry",
    ],
    ["not a number", { metadata: { n: Number.NaN } }, "artifacts[0].metadata.n is NaN"],
    ["a big number", { metadata: { n: 1n } }, "artifacts[0].metadata.n is a bigint"],
  ])("is a failure with %s in it", async (_name, item, message) => {
    expect(await inline(() => artifacts([item as object]))).toMatchObject({
      ok: false,
      error: { reason: "output-not-serialisable", message: expect.stringContaining(message) as string },
    });
  });

  test("has a circle: is a failure", async () => {
    const metadata: Record<string, unknown> = {};
    metadata.self = metadata;
    expect(await inline(() => artifacts([{ metadata: metadata as JsonObject }]))).toMatchObject({
      ok: false,
      error: {
        reason: "output-not-serialisable",
        message: expect.stringContaining("a reference back") as string,
      },
    });
  });

  test("must be a list", async () => {
    expect(await inline(() => artifacts({ name: "a" } as unknown as []))).toMatchObject({
      ok: false,
      error: {
        reason: "function-error",
        message: "TypeError: artifacts: takes a list, and an output if there is one",
      },
    });
  });
});

describe("the folder of a function", () => {
  test("is there until its attempt is over, and the same one each time", async () => {
    const { answer, end } = await onThread("file");
    const path = answer.ok ? (answer.artifacts?.[0]?.path ?? "") : "";
    expect(answer).toMatchObject({ ok: true, output: { isSame: true } });
    expect(await readFile(path, "utf8")).toBe("bytes");
    end();
    await until(() => !existsSync(join(path, "..")));
  });

  test("goes also when the function fails, or its thread dies", async () => {
    for (const name of ["loses", "dies"]) {
      const told = join(home.path, name);
      const { answer, end } = await onThread(name, { told });
      expect(answer).toMatchObject({ ok: false, error: { reason: "function-error" } });
      const path = await readFile(told, "utf8");
      expect(existsSync(path)).toBe(true);
      end();
      await until(() => !existsSync(path));
    }
  });

  test("is there for one that runs in the process", async () => {
    const acts: (() => void)[] = [];
    const executor = new FunctionTaskExecutor();
    executor.register("fn", async (_params, { folder }) => {
      const path = join(await folder(), "a");
      await writeFile(path, "x");
      return artifacts([{ path }]);
    });
    const around = { ...context(), atEnd: (act: () => void) => void acts.push(act) };
    const answer = await executor.execute(call("fn"), around);
    const path = answer.ok ? (answer.artifacts?.[0]?.path ?? "") : "";
    expect(existsSync(path)).toBe(true);
    for (const act of acts) act();
    await until(() => !existsSync(path));
  });

  test("is not made for one that does not ask", async () => {
    const acts: (() => void)[] = [];
    const around = { ...context(), atEnd: (act: () => void) => void acts.push(act) };
    await threads.run(call("records"), around);
    expect(acts).toEqual([]);
  });
});
