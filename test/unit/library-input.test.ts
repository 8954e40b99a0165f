/** What JavaScript lets through: every wrong name or value is told. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BadInput,
  type DagRun,
  DefinitionError,
  DistributedExecutor,
  formOf,
  formSchemaOf,
  LocalExecutor,
  SequentialExecutor,
} from "../../cmd/library/jetdag.ts";

/** As a program without types calls it. */
const loosely = (make: new (options: never) => unknown, options: unknown) => () => new make(options as never);

describe("options", () => {
  test.each([
    [LocalExecutor, { bogus: 1 }, "new LocalExecutor: unknown field 'bogus'. Allowed here: workerCount,"],
    [LocalExecutor, { workerCuont: 1 }, "did you mean 'workerCount'?"],
    [LocalExecutor, "five", "new LocalExecutor takes an object, not 'five'"],
    [LocalExecutor, { workerCount: "5" }, "workerCount must be a whole number from 1 up, not '5'"],
    [LocalExecutor, { outputLimit: -1 }, "outputLimit must be a whole number from 1024 up"],
    [LocalExecutor, { bodyLimit: 1 }, "bodyLimit must be a whole number from 1024 up"],
    [LocalExecutor, { allowNet: ["1.2.3.4/33"] }, "allowNet: '1.2.3.4/33' is none of public, private, any"],
    [LocalExecutor, { allowNet: "public" }, "allowNet must be a list of texts, not 'public'"],
    [
      SequentialExecutor,
      { workerCount: 3 },
      "new SequentialExecutor (one task at a time): unknown field 'workerCount'",
    ],
    [DistributedExecutor, { nats: "nats://x", queueSize: 5 }, "unknown field 'queueSize'"],
    [DistributedExecutor, undefined, "new DistributedExecutor takes an object, not undefined"],
    [DistributedExecutor, {}, "nats is missing"],
    [
      DistributedExecutor,
      { nats: "nats://127.0.0.1:1", leaseTerm: "50ms" },
      "leaseTerm must be from 1s to 1h",
    ],
    [DistributedExecutor, { nats: "nats://x", lossCap: 0.5 }, "lossCap must be a whole number from 0 up"],
  ])("%o %j", (make, options, message) => {
    expect(loosely(make, options)).toThrow(BadInput);
    expect(loosely(make, options)).toThrow(message);
  });

  test("what is given as undefined is left out", () => {
    expect(loosely(SequentialExecutor, { workerCount: undefined })).not.toThrow();
  });
});

describe("a run", () => {
  const executor = new LocalExecutor({ workerCount: 1 });
  const dag = { name: "d", tasks: [{ id: "a", type: "function", command: "echo" }] };
  beforeAll(() => executor.start());
  afterAll(() => executor.stop());

  test.each([
    [undefined, "execute({ dag, … }) takes an object, not undefined"],
    [
      { dag, param: {} },
      "unknown field 'param'; did you mean 'params'? Allowed here: dag, params, runId, tenantId",
    ],
    [
      { dag, params: { x: () => 1 } },
      "params.x: must be text, a number, true, false, null, a list or a map, not function",
    ],
    [{ dag, params: { x: [1, Number.NaN] } }, "params.x[1]: must be"],
    [{ dag, params: { x: "secret://{a b}" } }, "params.x: 'a b' in secret://{a b} is no name of a secret"],
    [{ dag, params: [] }, "params must be a map of names to values"],
    [{ dag, runId: 5 }, "runId must be text"],
    [{ dag, tenantId: "" }, "tenantId must be text that is not empty"],
  ])("%j", async (run, message) => {
    const executing = executor.execute(run as DagRun);
    await expect(executing).rejects.toThrow(BadInput);
    await expect(executing).rejects.toThrow(message);
    await expect(executor.submit(run as DagRun)).rejects.toThrow(BadInput);
  });

  test("what it lacks is told at once, by label and name, and nothing has begun", async () => {
    const asking = {
      ...dag,
      inputs: {
        url: { label: "Base URL", required: true },
        key: { required: true },
        mode: { default: "full" },
      },
    };
    for (const start of [
      executor.execute({ dag: asking, params: { key: "" } }),
      executor.submit({ dag: asking }),
    ]) {
      await expect(start).rejects.toThrow(BadInput);
      await expect(start).rejects.toMatchObject({
        name: "MissingInput",
        code: "MISSING_INPUT",
        missing: [
          { name: "url", label: "Base URL" },
          { name: "key", label: "Key" },
        ],
        message:
          "DAG 'd' needs inputs that were not given: Base URL (url), Key (key). Give them as params, like --param url=…",
      });
    }
    const run = await executor.execute({ dag: asking, params: { url: "u", key: 0, mode: null, more: null } });
    expect(run.tasks.a?.output).toEqual({ url: "u", key: 0, mode: "full", more: null });
    expect(formOf(asking).map(({ name }) => name)).toEqual(["url", "key", "mode"]);
    expect(formSchemaOf(asking)).toMatchObject({ title: "d", required: ["url", "key"] });
  });

  test("without a DAG, with options that are none, and a function that is none", async () => {
    await expect(executor.execute({} as DagRun)).rejects.toThrow(DefinitionError);
    await expect(executor.execute({ dag }, { signl: 1 } as object)).rejects.toThrow("did you mean 'signal'?");
    expect(() => executor.registerFunction("x", 5 as never)).toThrow("takes a name and a function");
  });
});
