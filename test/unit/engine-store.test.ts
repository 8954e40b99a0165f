/** Does a run stand as it is told when its store fails, is slow, or says what is not so? */
import { expect, test } from "vitest";
import type { Pipeline } from "../../cmd/library/engine.ts";
import { EngineRig } from "../support/engine-rig.ts";
import { MemoryEventStore } from "../support/memory-event-store.ts";

const chain: Pipeline = {
  nodes: [
    { slug: "a", plugin: "load" },
    { slug: "b", plugin: "split", dependsOn: ["a"] },
    { slug: "c", plugin: "join", dependsOn: ["b"], fanMode: "aggregate" },
  ],
};
const made = (...ids: string[]): { id: string }[] => ids.map((id) => ({ id }));

test("an append whose answer was lost is known by its writer, and counts once", async () => {
  const store = new MemoryEventStore();
  let mode: "well" | "throws" | "denies" = "well";
  const rig = new EngineRig({
    store: {
      append: async (runId, number, event) => {
        const isStored = await store.append(runId, number, event);
        if (mode === "throws") throw new Error("connection lost");
        return mode === "well" && isStored;
      },
      read: (runId, from) => store.read(runId, from),
    },
  });
  mode = "denies";
  expect(await rig.engine.start("run", chain)).toBe(true);
  expect(await rig.engine.complete(rig.task("a"), made("1"))).toBe(true);
  mode = "throws";
  await expect(rig.engine.complete(rig.task("b"), made("2"))).rejects.toThrow("connection lost");
  mode = "well";
  expect(rig.news()).toEqual(["dispatch a#1", "dispatch b(1)#1"]);
  // It is stored, so what follows from it is made up for.
  expect(await rig.engine.complete(rig.task("b"), made("2"))).toBe(false);
  expect(rig.news()).toEqual(["dispatch c#1"]);
});

test("what is stored after its append has failed counts, and is taken for nothing else", async () => {
  const store = new MemoryEventStore();
  let late: (() => Promise<unknown>) | undefined;
  let fails = false;
  const rig = new EngineRig({
    store: {
      append: async (runId, number, event) => {
        if (!fails) return store.append(runId, number, event);
        fails = false;
        late = () => store.append(runId, number, event);
        throw new Error("timed out");
      },
      read: async (runId, from) => store.read(runId, from),
    },
  });
  const told = async (node: string, key?: string): Promise<boolean> =>
    rig.engine.complete(rig.task(node, key), made(`of-${key ?? node}`));
  await rig.engine.start("run", chain);
  await rig.engine.complete(rig.task("a"), made("1", "2"));
  fails = true;
  await expect(told("b", "1")).rejects.toThrow("timed out");
  // It arrives behind what the next call has read, and before what that stores.
  const append = store.append.bind(store);
  store.append = async (...event) => {
    store.append = append;
    await late?.();
    return append(...event);
  };
  expect(await told("b", "2")).toBe(true);
  expect(rig.task("c").artifacts?.map(({ id }) => id)).toEqual(["of-1", "of-2"]);
  fails = true;
  await expect(told("c")).rejects.toThrow("timed out");
  await rig.engine.resume("run");
  await late?.();
  // Nobody knew of it when what was left was made up for.
  expect(await told("c")).toBe(false);
  expect(rig.ends).toEqual([{ runId: "run", state: "completed", message: "" }]);
});

test("a run is started once, however often it is", async () => {
  const rig = new EngineRig();
  expect(await rig.engine.start("run", chain)).toBe(true);
  expect(await rig.engine.start("run", chain)).toBe(false);
  expect(rig.news()).toEqual(["dispatch a#1", "dispatch a#1"]);
  await rig.engine.complete(rig.task("a"));
  expect(rig.news()).toEqual(["end completed"]);
  expect(await rig.engine.start("run", chain)).toBe(false);
  expect(rig.news()).toEqual([]);
});

test("a store that does not keep to its promises is told of, and nothing hangs", async () => {
  const rig = new EngineRig();
  const broken = (more: object): EngineRig =>
    new EngineRig({
      store: {
        append: (runId, number, event) => rig.store.append(runId, number, event),
        read: (runId, from) => rig.store.read(runId, from),
        ...more,
      },
    });
  const refusing = broken({ append: async () => undefined });
  await expect(refusing.engine.start("x", chain)).rejects.toThrow(
    "append of event 1 of run 'x' has resolved with undefined",
  );
  await rig.engine.start("run", chain);
  const wild = broken({ read: async () => [{ anything: true }] });
  await expect(wild.engine.status("run")).rejects.toThrow("event 1 of run 'run' was not stored as such");
  const empty = broken({ read: async () => undefined });
  await expect(empty.engine.status("run")).rejects.toMatchObject({ code: "BAD_STORE" });
});
