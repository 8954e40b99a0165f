/** Modules of plug-ins: what is taken from them, and why they cannot be used. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { BadInput, DistributedExecutor, LocalExecutor, type TaskExecutor } from "../../cmd/library/jetdag.ts";
import { loadPlugins, PluginsNotLoaded } from "../../internal/tasks/plugins.ts";
import { TestFolder } from "../support/folder.ts";

let folder: TestFolder;
let serial = 0;
beforeAll(async () => {
  folder = await TestFolder.make();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const write = (text: string): Promise<string> => folder.write(`plugins-${++serial}.mjs`, text);
const executor = (type: string): string =>
  `{ type: "${type}", execute: async () => ({ ok: true, output: {} }) }`;

test("what can execute is taken, whatever it is exported as, and nothing else", async () => {
  const file = await write(`
    class Ftp { type = "ftp"; async execute() { return { ok: true, output: {} }; } }
    export const sensor = ${executor("sensor")};
    export const again = sensor;
    export default new Ftp();
    export const LIMIT = 7, nothing = null, helper = () => 1, config = { type: "none" };
  `);
  expect((await loadPlugins(file)).map(({ type }) => type).toSorted()).toEqual(["ftp", "sensor"]);
});

test.each<[string, string | undefined, string]>([
  ["is missing", undefined, "no such file"],
  ["is broken", "export const = 1", "it cannot be loaded: "],
  ["throws", "throw new TypeError('not today');", "it cannot be loaded: not today"],
  [
    "has none",
    "export const sensor = () => 1;",
    "it exports no task executor; write `export const sensor = {",
  ],
  ["names a built-in one", `export const x = ${executor("bash")};`, "its export x: type: 'bash' is built in"],
  [
    "names another name of one",
    `export const x = ${executor("py")};`,
    "its export x: type: 'py' is another name of 'docker'",
  ],
  ["names none", "export const x = { execute() {} };", "its export x: type: must be a name: "],
  ["names no queue", `export const x = ${executor("a.b")};`, "its export x: type: must be a name: "],
  [
    "has two of one type",
    `export const a = ${executor("ftp")}, b = ${executor("ftp")};`,
    "its export b: type: 'ftp' is that of its export a too",
  ],
])("a module that %s cannot be used", async (_name, text, message) => {
  const file = text === undefined ? `${folder.path}/none.mjs` : await write(text);
  const loading = loadPlugins(file);
  await expect(loading).rejects.toThrow(PluginsNotLoaded);
  await expect(loading).rejects.toThrow(`plug-ins file '${file}': ${message}`);
});

test("a module that waits for ever while it loads is given up", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const loading = loadPlugins(await write("await new Promise(() => {});"));
    const refused = loading.catch((error: unknown) => String(error));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await refused).toContain("it had not loaded after 30 s");
  } finally {
    vi.useRealTimers();
  }
});

describe("in a program", () => {
  const sensor: TaskExecutor = { type: "sensor", execute: async () => ({ ok: true, output: {} }) };

  test.each<[unknown, string]>([
    [undefined, "takes { type, execute(call, context) {…} }"],
    [{ type: "x" }, "takes { type, execute(call, context) {…} }"],
    [{ ...sensor, type: "a b" }, "type: must be a name: "],
    [{ ...sensor, type: "shell" }, "type: 'shell' is another name of 'bash'"],
  ])("registerTaskExecutor(%j) says what is wrong", (given, message) => {
    const register = (): void => new LocalExecutor().registerTaskExecutor(given as TaskExecutor);
    expect(register).toThrow(BadInput);
    expect(register).toThrow(message);
  });

  test("a built-in type may be replaced", async () => {
    await using local = new LocalExecutor();
    local.registerTaskExecutor({ type: "bash", execute: async () => ({ ok: true, output: { own: 1 } }) });
    await local.start();
    const { tasks } = await local.execute({ dag: { name: "d", tasks: [{ id: "a", command: "exit 1" }] } });
    expect(tasks.a?.output).toEqual({ own: 1 });
  });

  test("types that only workers have are a list of names", () => {
    const types = "sensor" as unknown as string[];
    expect(() => new DistributedExecutor({ nats: "nats://127.0.0.1:1", types })).toThrow(BadInput);
  });
});
