/** What tasks are called with by the engine, and what it refuses of what it is given. */
import { describe, expect, test } from "vitest";
import {
  Engine,
  type EngineOptions,
  formOf,
  formSchemaOf,
  type HandedArtifact,
  MissingInput,
  type Pipeline,
  type TaskRef,
} from "../../cmd/library/engine.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { EngineRig } from "../support/engine-rig.ts";

const video = { id: "v", name: "movies/a.mp4", size: 7, mimeType: "video/mp4", metadata: { title: "A" } };
const text = { id: "t", name: "a.srt", metadata: { title: "B", size: "small" } };

async function started(nodes: Pipeline["nodes"], input: JsonObject = {}): Promise<EngineRig> {
  const rig = new EngineRig();
  await rig.engine.start("run", { nodes }, input);
  return rig;
}

const pathOf = ({ id }: { readonly id: string }): string => `/files/${id}`;

describe("a task is called with", () => {
  test("the run's input, where it depends on nothing; it may do with it what it likes", async () => {
    const rig = await started([{ slug: "a", plugin: "a", fanMode: "aggregate" }], { list: [1] });
    const input = await rig.engine.taskInput(rig.task("a"));
    expect(input).toEqual({ list: [1] });
    (input as { list: number[] }).list.push(2);
    expect(await rig.engine.taskInput(rig.task("a"))).toEqual({ list: [1] });
  });

  test("its artifact: metadata, and over these the file; what is not known of that overrides nothing", async () => {
    const rig = await started([
      { slug: "a", plugin: "a" },
      { slug: "b", plugin: "b", dependsOn: ["a"] },
    ]);
    const odd = { id: "o", metadata: { file_size: 3, mime_type: "x/y", file_name: "z", file_path: "p" } };
    await rig.engine.complete(rig.task("a"), [video, text, odd]);
    expect(await rig.engine.taskInput(rig.task("b", "v"), { pathOf })).toEqual({
      title: "A",
      file_path: "/files/v",
      file_name: "movies/a.mp4",
      file_size: 7,
      mime_type: "video/mp4",
    });
    expect(await rig.engine.taskInput(rig.task("b", "t"))).toEqual({
      title: "B",
      size: "small",
      file_path: null,
      file_name: "a.srt",
    });
    expect(await rig.engine.taskInput(rig.task("b", "o"), { pathOf })).toEqual({
      file_path: "/files/o",
      file_name: "",
      file_size: 3,
      mime_type: "x/y",
    });
  });

  test("the list of its artifacts, through gates and filters, of its group alone where it has one", async () => {
    const rules = [{ field: "file_type", op: "eq", value: "video" }] as const;
    const engine = new EngineRig({ isPassthrough: (plugin) => plugin === "gate" });
    await engine.engine.start("run", {
      nodes: [
        { slug: "a", plugin: "a" },
        { slug: "gate", plugin: "gate", dependsOn: ["a"], fanMode: "aggregate" },
        {
          slug: "all",
          plugin: "all",
          dependsOn: ["gate"],
          fanMode: "aggregate",
          edgeFilters: { gate: { rules } },
        },
        { slug: "each", plugin: "each", dependsOn: ["gate"], fanMode: "grouped" },
      ],
    });
    await engine.engine.complete(engine.task("a"), [video, text, { id: "b", origin: null }]);
    await engine.engine.complete(engine.task("gate"));
    const listed = {
      v: {
        file_path: "/files/v",
        file_name: "movies/a.mp4",
        file_size: 7,
        mime_type: "video/mp4",
        metadata: { title: "A" },
      },
      t: {
        file_path: "/files/t",
        file_name: "a.srt",
        file_size: null,
        mime_type: null,
        metadata: text.metadata,
      },
      b: { file_path: "/files/b", file_name: "", file_size: null, mime_type: null, metadata: {} },
    };
    const of = (node: string, key?: string): Promise<JsonObject | undefined> =>
      engine.engine.taskInput(engine.task(node, key), { pathOf });
    expect(await of("all")).toEqual({ artifacts: [listed.v] });
    expect(await of("each", "v")).toEqual({ artifacts: [listed.v, listed.b] });
    expect(await of("each", "t")).toEqual({ artifacts: [listed.t, listed.b] });
  });

  test("what its bindings fill in, over the rest; null leaves a field alone", async () => {
    const rig = await started(
      [
        { slug: "a", plugin: "a" },
        { slug: "other", plugin: "o" },
        {
          slug: "b",
          plugin: "b",
          dependsOn: ["a", "other"],
          bindings: {
            file_name: { source: "previous_node", node: "a", key: "title" },
            from_other: { source: "previous_node", node: "other", key: "title" },
            file_size: { source: "previous_node", node: "a", key: "nothing" },
            token: { source: "config", value: "$TOKEN" },
            folder: { source: "runtime", default: "inbox" },
            line: {
              source: "expression",
              expression: "{config.bucket}/{input.user | upper}/{a.file_path | basename}",
            },
          },
        },
      ],
      { user: "ann" },
    );
    await rig.engine.complete(rig.task("a"), [video]);
    await rig.engine.complete(rig.task("other"), []);
    const options = { pathOf, secret: async (name: string) => `${name}-value`, config: { bucket: "s3" } };
    expect(await rig.engine.taskInput(rig.task("b"), options)).toEqual({
      title: "A",
      file_path: "/files/v",
      file_name: "A",
      file_size: 7,
      mime_type: "video/mp4",
      token: "TOKEN-value",
      folder: "inbox",
      line: "s3/ANN/v",
    });
  });

  test("nothing, when it is not wanted any more", async () => {
    const rig = await started([{ slug: "a", plugin: "a" }]);
    await rig.engine.complete(rig.task("a"));
    expect(await rig.engine.taskInput(rig.task("a"))).toBeUndefined();
  });

  test.each([
    [
      { source: "config", value: "$TOKEN" },
      {},
      "binding 'x' needs the secret 'TOKEN': give taskInput a secret(name)",
    ],
    [{ source: "config", value: "$TOKEN" }, { secret: () => undefined }, "there is no such secret"],
    [{ source: "expression", expression: "{input.none | required}" }, {}, "node 'a', binding 'x': "],
  ] as const)("no %j without what it takes", async (x, options, message) => {
    const rig = await started([{ slug: "a", plugin: "a", bindings: { x } }]);
    const asked = rig.engine.taskInput(rig.task("a"), options);
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.toMatchObject({ code: "BAD_BINDING" });
  });
});

describe("the input of a run", () => {
  const pipeline: Pipeline = {
    nodes: [
      {
        slug: "a",
        plugin: "a",
        bindings: {
          folder: { source: "runtime", required: true, label: "Target folder" },
          size: { source: "runtime", default: 10 },
          line: { source: "expression", expression: "{input.user}" },
        },
      },
    ],
    inputs: { url: { label: "Address", required: true } },
    defaults: { user: "nobody" },
  };

  test("is merged by the form of the pipeline", async () => {
    const rig = new EngineRig();
    await rig.engine.start("run", pipeline, { url: "x", folder: "y", size: "", more: 1 });
    expect(await rig.engine.taskInput(rig.task("a"))).toEqual({
      url: "x",
      folder: "y",
      size: 10,
      user: "nobody",
      more: 1,
      line: "nobody",
    });
  });

  test("is refused with all that is missing, and no run begins", async () => {
    const { engine } = new EngineRig();
    const starting = engine.start("run", pipeline, { url: "", folder: null });
    await expect(starting).rejects.toBeInstanceOf(MissingInput);
    await expect(starting).rejects.toThrow("input that was not given: Address (url), Target folder (folder)");
    expect(await engine.status("run")).toBeUndefined();
  });

  test("has a form, which can be had as JSON Schema", () => {
    expect(formOf(pipeline).map(({ name }) => name)).toEqual(["url", "folder", "size", "user"]);
    expect(formSchemaOf(pipeline, "Films")).toMatchObject({ title: "Films", required: ["url", "folder"] });
  });
});

describe("refused is", () => {
  test.each<[unknown, string]>([
    [undefined, "artifacts[0] is { id, name, … }, not undefined"],
    [{ name: "a" }, "artifacts[0].id must be text that is not empty, not undefined"],
    [{ id: "" }, "artifacts[0].id must be text that is not empty, not ''"],
    [{ id: 7 }, "artifacts[0].id must be text that is not empty, not 7"],
    [{ id: "a", name: null }, "artifacts[0].name must be text, not null"],
    [{ id: "a", size: "7" }, "artifacts[0].size must be a number of bytes or null, not '7'"],
    [{ id: "a", size: -1 }, "artifacts[0].size must be a number of bytes or null, not -1"],
    [{ id: "a", size: Number.NaN }, "artifacts[0].size must be a number of bytes or null, not NaN"],
    [{ id: "a", mimeType: 1 }, "artifacts[0].mimeType must be text or null, not 1"],
    [{ id: "a", origin: "" }, "artifacts[0].origin must be the id of an artifact or null, not ''"],
    [{ id: "a", metadata: [] }, "artifacts[0].metadata must be a map, not []"],
    [{ id: "a", metadata: { at: new Date(0) } }, "artifacts[0].metadata.at must be text, a number"],
    [{ id: "a", metadata: { deep: [{ n: 1n }] } }, "artifacts[0].metadata.deep[0].n must be text, a number"],
  ])("the artifact %o", async (artifact, message) => {
    const rig = await started([{ slug: "a", plugin: "a" }]);
    const given = [artifact] as HandedArtifact[];
    const telling = rig.engine.complete(rig.task("a"), given);
    await expect(telling).rejects.toThrow(message);
    await expect(telling).rejects.toMatchObject({ code: "BAD_INPUT" });
    expect(await rig.store.read("run", 1)).toHaveLength(1);
  });

  test("what holds itself, is too deep, or has an id twice", async () => {
    const rig = await started([{ slug: "a", plugin: "a" }]);
    const itself: JsonObject = {};
    itself.self = itself;
    let deep: JsonObject = {};
    for (let i = 0; i < 10_000; i++) deep = { deep };
    const handing = (...artifacts: HandedArtifact[]): Promise<boolean> =>
      rig.engine.complete(rig.task("a"), artifacts);
    await expect(handing({ id: "a", metadata: itself })).rejects.toThrow("nested more than 100 deep");
    await expect(handing({ id: "a", metadata: deep })).rejects.toThrow("nested more than 100 deep");
    await expect(handing({ id: "a" }, { id: "b" }, { id: "a" })).rejects.toThrow(
      "artifacts[2].id: 'a' is that of artifacts[0] already",
    );
    await expect(handing("abc" as unknown as HandedArtifact)).rejects.toThrow("artifacts[0]");
  });

  test.each<[Partial<TaskRef> | undefined, string]>([
    [undefined, "BAD_INPUT"],
    [{ runId: "" }, "BAD_INPUT"],
    [{ index: 0.5 }, "BAD_INPUT"],
    [{ attempt: Number.NaN }, "BAD_INPUT"],
    [{ runId: "none" }, "UNKNOWN_RUN"],
    [{ node: "none" }, "UNKNOWN_TASK"],
    [{ node: "b" }, "UNKNOWN_TASK"],
    [{ index: 1 }, "UNKNOWN_TASK"],
    [{ index: -1 }, "UNKNOWN_TASK"],
    [{ attempt: 2 }, "UNKNOWN_TASK"],
    [{ attempt: 0 }, "UNKNOWN_TASK"],
  ])("the task %j", async (more, code) => {
    const { engine, ...rig } = await started([
      { slug: "a", plugin: "a" },
      { slug: "b", plugin: "b", dependsOn: ["a"] },
    ]);
    const task = (more && { ...rig.dispatched[0], ...more }) as TaskRef;
    for (const telling of [
      engine.complete(task),
      engine.fail(task, "x"),
      engine.crash(task, "x"),
      engine.taskInput(task),
    ])
      await expect(telling).rejects.toMatchObject({ code });
  });

  test.each<[(engine: Engine) => Promise<unknown>, string, string]>([
    [(engine) => engine.start("", { nodes: [] }), "BAD_INPUT", "the id of a run"],
    [
      (engine) => engine.start("x", { nodes: [{ slug: "a", plugin: "a" }] }, [] as never),
      "BAD_INPUT",
      "input must be",
    ],
    [
      (engine) => engine.start("x", { nodes: [{ slug: "a", plugin: "a" }] }, { f: (() => 1) as never }),
      "BAD_INPUT",
      "input.f must be text",
    ],
    [(engine) => engine.abort("none", { reason: "x" }), "UNKNOWN_RUN", "there is no run 'none'"],
    [
      (engine) => engine.abort("none", { reason: "x", state: "completed" as never }),
      "BAD_INPUT",
      "state must be one of",
    ],
    [(engine) => engine.abort("none", {} as never), "BAD_INPUT", "reason must be text"],
    [(engine) => engine.retry("none"), "UNKNOWN_RUN", "there is no run 'none'"],
    [(engine) => engine.resume("none"), "UNKNOWN_RUN", "there is no run 'none'"],
    [
      (engine) => engine.fail({ runId: "r", node: "a", index: 0, attempt: 1 }, undefined as never),
      "BAD_INPUT",
      "message must be text",
    ],
  ])("%s", async (act, code, message) => {
    const doing = act(new EngineRig().engine);
    await expect(doing).rejects.toMatchObject({ code });
    await expect(doing).rejects.toThrow(message);
  });

  test.each<[object | undefined, string]>([
    [undefined, "store must have append"],
    [{ store: {} }, "store must have append"],
    [{ dispatch: undefined }, "dispatch must be a function"],
    [{ onEnd: "log" }, "onEnd must be a function"],
    [{ fanOutLimit: 0 }, "fanOutLimit must be a whole number from 1 on, not 0"],
    [{ fanOutLimit: "9" }, "fanOutLimit must be a whole number from 1 on, not '9'"],
  ])("the options %j", (more, message) => {
    const given = more && { store: new EngineRig().store, dispatch: () => undefined, ...more };
    expect(() => new Engine(given as EngineOptions)).toThrow(message);
  });
});
