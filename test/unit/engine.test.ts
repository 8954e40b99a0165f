/** Does the engine hold what it promises when processes race, and what surrounds it fails? */
import { describe, expect, test } from "vitest";
import { EngineError, type EngineTask, type Pipeline } from "../../cmd/library/engine.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { EngineRig, labelOf } from "../support/engine-rig.ts";

const chain: Pipeline = {
  nodes: [
    { slug: "a", plugin: "load" },
    { slug: "b", plugin: "split", dependsOn: ["a"] },
    { slug: "c", plugin: "join", dependsOn: ["b"], fanMode: "aggregate" },
  ],
};
const made = (...ids: string[]): { id: string }[] => ids.map((id) => ({ id }));

const onlyOne = (told: readonly boolean[]): boolean => told.filter(Boolean).length === 1;

test("a run from its start to its end", async () => {
  const { engine, ...rig } = new EngineRig();
  const news = (): string[] => rig.told.splice(0);
  expect(await engine.start("run", chain)).toBe(true);
  expect(news()).toEqual(["dispatch a#1"]);
  const [a] = rig.dispatched;
  expect(a).toEqual({
    id: "run.a.0.1",
    runId: "run",
    node: "a",
    plugin: "load",
    index: 0,
    attempt: 1,
    artifacts: null,
  });
  expect(await engine.complete(a as EngineTask, made("1", "2"))).toBe(true);
  expect(news()).toEqual(["dispatch b(1)#1", "dispatch b(2)#1"]);
  const [, b1, b2] = rig.dispatched as [EngineTask, EngineTask, EngineTask];
  expect(await engine.complete(b2, made("4"))).toBe(true);
  expect(news()).toEqual([]);
  expect((await engine.status("run"))?.nodes).toEqual({
    a: { completed: 1 },
    b: { queued: 1, completed: 1 },
    c: undefined,
  });
  expect(await engine.complete(b1, made("3"))).toBe(true);
  expect(rig.dispatched.at(-1)?.artifacts?.map(({ id, origin }) => [id, origin])).toEqual([
    ["3", "1"],
    ["4", "2"],
  ]);
  expect(await engine.complete(rig.dispatched.at(-1) as EngineTask)).toBe(true);
  expect(news()).toEqual(["dispatch c#1", "end completed"]);
  expect(await engine.status("run")).toMatchObject({ state: "completed", message: "" });
});

test("an end is told before the rest is cancelled, and says why", async () => {
  const rig = new EngineRig();
  await rig.engine.start("run", { nodes: [chain.nodes[0], { slug: "z", plugin: "z" }] as Pipeline["nodes"] });
  rig.news();
  await rig.engine.fail(rig.task("z"), "disk full");
  expect(rig.news()).toEqual(["end failed", "cancel a#1"]);
  expect(rig.ends).toEqual([{ runId: "run", state: "failed", message: "task 'z' failed: disk full" }]);
  expect(await rig.engine.complete(rig.task("a"), made("1"))).toBe(false);
  expect((await rig.engine.status("run"))?.nodes).toEqual({ a: { cancelled: 1 }, z: { failed: 1 } });
});

test("a failure that comes after the end is shown, and does not count", async () => {
  const rig = new EngineRig();
  await rig.engine.start("run", { nodes: [chain.nodes[0], { slug: "z", plugin: "z" }] as Pipeline["nodes"] });
  expect(await rig.engine.abort("run", { reason: "enough", state: "cancelled" })).toBe(true);
  expect(await rig.engine.crash(rig.task("a"), "gone")).toBe(false);
  expect(await rig.engine.status("run")).toMatchObject({
    state: "cancelled",
    message: "enough",
    nodes: { a: { crashed: 1 }, z: { cancelled: 1 } },
  });
  expect(rig.ends).toHaveLength(1);
});

describe("several at a time", () => {
  test("questions and results at once: each event is folded once", async () => {
    const rig = new EngineRig();
    await rig.engine.start("run", chain);
    const ids = Array.from({ length: 20 }, (_, i) => `x${i}`);
    await Promise.all([rig.engine.complete(rig.task("a"), made(...ids)), rig.engine.status("run")]);
    const done = ids.map((id) => rig.engine.complete(rig.task("b", id), made(`y${id}`)));
    const asked = ids.map(() => rig.engine.status("run"));
    expect(await Promise.all(done)).toEqual(ids.map(() => true));
    await Promise.all(asked);
    expect(rig.task("c").artifacts).toHaveLength(20);
    expect(await rig.engine.complete(rig.task("c"))).toBe(true);
    expect(rig.ends).toHaveLength(1);
  });

  test("two processes tell the same of every task: one of them counts", async () => {
    const one = new EngineRig();
    const two = new EngineRig({ store: one.store });
    expect(await Promise.all([one.engine.start("run", chain), two.engine.start("run", chain)])).toContain(
      false,
    );
    const both = async (task: EngineTask, ids: string[]): Promise<readonly boolean[]> =>
      Promise.all([one.engine.complete(task, made(...ids)), two.engine.complete(task, made(...ids))]);
    const dispatched = (node: string): EngineTask[] =>
      [...one.dispatched, ...two.dispatched].filter((task) => task.node === node);
    const [a] = dispatched("a") as [EngineTask];
    expect(onlyOne(await both(a, ["1", "2"]))).toBe(true);
    expect(dispatched("b")).toHaveLength(2);
    for (const b of dispatched("b")) expect(onlyOne(await both(b, [`of ${b.input}`]))).toBe(true);
    expect(dispatched("c")).toHaveLength(1);
    const [c] = dispatched("c") as [EngineTask];
    expect(onlyOne(await both(c, []))).toBe(true);
    expect([...one.ends, ...two.ends]).toHaveLength(1);
    expect(await one.engine.status("run")).toEqual(await two.engine.status("run"));
  });

  test("dispatch and callbacks may call the engine", async () => {
    const rig: EngineRig = new EngineRig({
      dispatch: async (task) => {
        rig.dispatched.push(task);
        if (task.node === "c" && task.attempt === 1) await rig.engine.fail(task, "first");
        else await rig.engine.complete(task, task.node === "a" ? made("1", "2") : []);
      },
      onEnd: async (end) => {
        rig.ends.push(end);
        if (end.state === "failed") await rig.engine.retry(end.runId);
      },
    });
    const pipeline: Pipeline = { nodes: [...chain.nodes.slice(0, 1), { slug: "c", plugin: "c" }] };
    await rig.engine.start("run", pipeline);
    expect(rig.ends.map(({ state }) => state)).toEqual(["failed", "completed"]);
    expect((await rig.engine.status("run"))?.state).toBe("completed");
    // Nothing is left to be told.
    await rig.engine.resume("run");
    expect(rig.ends).toHaveLength(2);
  });
});

describe("when what surrounds it fails", () => {
  test("a dispatch that fails in the middle is made up for by whoever tells the same again", async () => {
    let failing = new Set(["b(2)#1"]);
    const rig: EngineRig = new EngineRig({
      dispatch: (task) => {
        if (failing.has(labelOf(task))) throw new Error("the queue is full");
        rig.dispatched.push(task);
      },
    });
    await rig.engine.start("run", chain);
    const a = rig.task("a");
    await expect(rig.engine.complete(a, made("1", "2", "3"))).rejects.toThrow("the queue is full");
    failing = new Set();
    expect(await rig.engine.complete(a, made("1", "2", "3"))).toBe(false);
    expect(rig.dispatched.map(labelOf)).toEqual(["a#1", "b(1)#1", "b(1)#1", "b(2)#1", "b(3)#1"]);
    // It is made up for once.
    expect(await rig.engine.complete(a)).toBe(false);
    expect(rig.dispatched).toHaveLength(5);
  });

  test("after a process died, another one dispatches what has not ended", async () => {
    const rig = new EngineRig({
      dispatch: () => {
        throw new Error("killed");
      },
    });
    await expect(rig.engine.start("run", chain)).rejects.toThrow("killed");
    const next = new EngineRig({ store: rig.store });
    expect(await next.engine.start("run", chain)).toBe(false);
    expect(next.news()).toEqual(["dispatch a#1"]);
    await next.engine.resume("run");
    expect(next.news()).toEqual(["dispatch a#1"]);
    await next.engine.complete(next.task("a"), made("1", "2"));
    await next.engine.complete(next.task("b", "1"));
    const last = new EngineRig({ store: rig.store });
    await last.engine.resume("run");
    expect(last.news()).toEqual(["dispatch b(2)#1"]);
  });

  test("an end that could not be told is told again, with what it cancelled, and once it was told never more", async () => {
    let isBroken = true;
    const rig: EngineRig = new EngineRig({
      onEnd: ({ state }) => {
        rig.told.push(`end ${state}`);
        if (isBroken) throw new Error("mail is down");
      },
    });
    await rig.engine.start("run", chain);
    await rig.engine.complete(rig.task("a"), made("1", "2"));
    rig.news();
    await expect(rig.engine.fail(rig.task("b", "1"), "boom")).rejects.toThrow("mail is down");
    expect(rig.news()).toEqual(["end failed"]);
    isBroken = false;
    await rig.engine.resume("run");
    expect(rig.news()).toEqual(["end failed", "cancel b(2)#1"]);
    await rig.engine.resume("run");
    await new EngineRig({ store: rig.store }).engine.resume("run");
    expect(rig.news()).toEqual([]);
  });
});

test("what a caller does to his objects later changes nothing", async () => {
  const rig = new EngineRig();
  const input: JsonObject = { list: [1] };
  const nodes = chain.nodes.map((node) => ({ ...node }));
  await rig.engine.start("run", { nodes }, input);
  (input.list as number[]).push(2);
  for (const node of nodes) node.slug = "other";
  expect(await rig.engine.taskInput(rig.task("a"))).toEqual({ list: [1] });
  const artifact = { id: "1", metadata: { n: 1 } as JsonObject };
  await rig.engine.complete(rig.task("a"), [artifact]);
  artifact.metadata.n = 2;
  expect(rig.task("b").artifacts?.[0]?.metadata).toEqual({ n: 1 });
});

test("more runs than are kept at hand go on all the same", async () => {
  const rig = new EngineRig();
  const runs = Array.from({ length: 520 }, (_, i) => `run-${i}`);
  for (const run of runs) await rig.engine.start(run, chain);
  for (const task of [...rig.dispatched]) await rig.engine.complete(task, made("1"));
  expect(rig.dispatched).toHaveLength(1_040);
  expect((await rig.engine.status("run-0"))?.nodes.b).toEqual({ queued: 1 });
});

describe("retry", () => {
  test("of a fan-out that is too wide fails again, and tells of it again", async () => {
    const rig = new EngineRig({ fanOutLimit: 2 });
    await rig.engine.start("run", chain);
    await rig.engine.complete(rig.task("a"), made("1", "2", "3"));
    expect(rig.ends).toHaveLength(1);
    expect(await rig.engine.retry("run")).toEqual(new Map());
    expect(rig.ends.map(({ message }) => message)).toEqual([
      "task 'b' failed: 3 artifacts, and a task may have 2 instances at most",
      "task 'b' failed: 3 artifacts, and a task may have 2 instances at most",
    ]);
    expect((await rig.engine.status("run"))?.nodes).toEqual({ a: { completed: 1 }, b: { failed: 1 } });
  });

  test("of a run that goes on, or has completed, there is none", async () => {
    const rig = new EngineRig();
    await rig.engine.start("run", { nodes: [{ slug: "a", plugin: "a" }] });
    expect(await rig.engine.retry("run")).toBeUndefined();
    await rig.engine.complete(rig.task("a"));
    expect(await rig.engine.retry("run")).toBeUndefined();
  });

  test("tells which task is run again under which id, of the nodes that keep what has completed", async () => {
    const pipeline: Pipeline = {
      nodes: [
        { slug: "a", plugin: "a" },
        { slug: "b", plugin: "b", dependsOn: ["a"] },
        { slug: "c", plugin: "c", dependsOn: ["b"], fanMode: "aggregate" },
        { slug: "x", plugin: "x", dependsOn: ["a"], fanMode: "aggregate" },
      ],
    };
    const rig = new EngineRig();
    await rig.engine.start("run", pipeline);
    await rig.engine.complete(rig.task("a"), made("1", "2", "3"));
    await rig.engine.complete(rig.task("b", "1"), made("copy"));
    await rig.engine.fail(rig.task("b", "3"), "boom");
    // The second was cancelled with the run; x too, and is launched anew.
    expect(await rig.engine.retry("run")).toEqual(
      new Map([
        ["run.b.1.1", "run.b.1.2"],
        ["run.b.2.1", "run.b.2.2"],
      ]),
    );
    expect(rig.news().slice(-3)).toEqual(["dispatch b(2)#2", "dispatch b(3)#2", "dispatch x#2"]);
    for (const id of ["2", "3"]) await rig.engine.complete(rig.task("b", id), made(`copy ${id}`));
    expect(rig.task("c").artifacts?.map(({ id }) => id)).toEqual(["copy", "copy 2", "copy 3"]);
  });

  test("results of before it do not count, also those of tasks that are no more", async () => {
    const pipeline: Pipeline = {
      nodes: [
        { slug: "a", plugin: "a" },
        { slug: "x", plugin: "x" },
        { slug: "b", plugin: "b", dependsOn: ["a"] },
      ],
    };
    const rig = new EngineRig();
    await rig.engine.start("run", pipeline);
    await rig.engine.complete(rig.task("a"), made("1", "2"));
    const before = rig.task("b", "2");
    await rig.engine.fail(rig.task("x"), "boom");
    await rig.engine.retry("run");
    expect(rig.news().slice(-3)).toEqual(["dispatch x#2", "dispatch b(1)#2", "dispatch b(2)#2"]);
    expect(await rig.engine.complete(before, made("late"))).toBe(false);
    expect(await rig.engine.taskInput(before)).toBeUndefined();
    expect(await rig.engine.complete(rig.task("b", "2"), made("new"))).toBe(true);
  });
});

test("an error of the engine has a code", async () => {
  await expect(new EngineRig().engine.resume("none")).rejects.toBeInstanceOf(EngineError);
  await expect(new EngineRig().engine.resume("none")).rejects.toMatchObject({ code: "UNKNOWN_RUN" });
});
