/** Secrets and allowed types of a program that embeds an executor. */
import { describe, expect, test } from "vitest";
import {
  type ExecutorOptions,
  fn,
  LocalExecutor,
  type Observation,
  type RunResult,
  dag,
} from "../../cmd/library/jetdag.ts";

/** Runs one task whose param names a secret. */
async function run(options: ExecutorOptions): Promise<RunResult["tasks"][string] & { seen: Observation[] }> {
  const seen: Observation[] = [];
  await using executor = new LocalExecutor({
    ...options,
    observer: { observe: (each) => void seen.push(each) },
  });
  executor.registerFunction("use", (params, { log }) => {
    const token = params.token as string;
    log(`has ${token}`);
    return { token, length: token.length };
  });
  await executor.start();
  const { tasks } = await executor.execute({
    dag: dag("one").task("a", fn("use"), { params: { token: "secret://MINE" } }),
  });
  const task = tasks.a;
  if (task === undefined) throw new Error("the task is missing");
  return { ...task, seen };
}

describe("the option `secrets`", () => {
  test.each<[string, NonNullable<ExecutorOptions["secrets"]>]>([
    ["at once", (name) => `value of ${name}`],
    ["later", async (name) => `value of ${name}`],
  ])("finds a value, %s; it is masked", async (_name, secrets) => {
    const { state, output, seen } = await run({ secrets });
    expect([state, output]).toEqual(["completed", { token: "***", length: 13 }]);
    expect(seen.filter(({ kind }) => kind === "task-logged")).toMatchObject([{ line: "has ***" }]);
  });

  test.each<[string, (name: string) => unknown, string]>([
    ["has none", () => undefined, "the executor's option `secrets` has none of this name"],
    ["has no text", () => 5, "the executor's option `secrets` gave something that is no text"],
    [
      "throws",
      () => {
        throw new Error("vault sealed");
      },
      "the executor's option `secrets` has failed",
    ],
  ])("that %s fails the task", async (_name, secrets, message) => {
    const { error, seen } = await run({ secrets: secrets as () => string });
    expect(error).toMatchObject({ reason: "missing-secret" });
    expect(error?.message).toContain(`secret 'MINE': ${message}`);
    expect(JSON.stringify(seen).includes("vault sealed")).toBe(message.includes("failed"));
  });

  test("by default it is the variable of this process", async () => {
    const { error } = await run({});
    expect(error?.message).toContain(
      "secret 'MINE': there is no variable JETDAG_SECRET_MINE; set it in this process, or give the executor the option `secrets`",
    );
  });
});

test("a type that is not allowed is refused, by any of its names", async () => {
  expect((await run({ allow: ["shell", "http"] })).error?.message).toContain(
    "see --allow; allowed: bash, http",
  );
  expect((await run({ allow: ["go"], secrets: () => "value" })).state).toBe("completed");
});

test.each([
  [{ secrets: { MINE: "x" } }, "secrets must be a function that takes a name"],
  [{ allow: "bash" }, "allow must be a list of task types, not"],
])("%j is refused", (options, message) => {
  expect(() => new LocalExecutor(options as unknown as ExecutorOptions)).toThrow(message);
});
