/** What the engine refuses of pipelines, and what it does for who saves them. */
import { describe, expect, test } from "vitest";
import { type Pipeline, PipelineError, problemsOfPipeline, withSlugs } from "../../cmd/library/engine.ts";
import { EngineRig } from "../support/engine-rig.ts";

describe("a pipeline is refused for", () => {
  const lines = (pipeline: unknown): string[] =>
    problemsOfPipeline(pipeline as Pipeline).map(({ path, message }) => `${path.join(".")}: ${message}`);

  test("all that is wrong with how it hangs together", async () => {
    const pipeline: Pipeline = {
      nodes: [
        { slug: "", plugin: "p" },
        { slug: "a", plugin: "p", dependsOn: ["b", "b", "a", "gone"] },
        { slug: "b", plugin: "p", dependsOn: ["a"], edgeFilters: { other: { rules: [] } } },
        { slug: "b", plugin: "p", bindings: { x: { source: "previous_node", node: "a", key: "k" } } },
      ],
    };
    const found = lines(pipeline).join("\n");
    for (const each of [
      /^nodes\.0\.slug: .*not allowed/m,
      /^nodes\.1\.dependsOn\.1: dependency 'b' is named twice/m,
      /^nodes\.1\.dependsOn\.2: task 'a' depends on itself/m,
      /^nodes\.1\.dependsOn\.3: unknown dependency 'gone'/m,
      /^nodes\.2\.edgeFilters\.other: 'other' is not in depends_on of task 'b'/m,
      /^nodes\.3\.slug: task id 'b' is used twice/m,
      /^nodes\.3\.bindings\.x\.node: 'a' is not in depends_on/m,
      /: Cycle detected/m,
    ])
      expect(found).toMatch(each);
    await expect(new EngineRig().engine.start("run", pipeline)).rejects.toBeInstanceOf(PipelineError);
    expect(lines({ nodes: [] })).toEqual(["nodes: there is no task: at least one is needed"]);
  });

  test.each<[unknown, string]>([
    [undefined, ": a pipeline is { nodes: [ … ] }, not undefined"],
    [[], ": a pipeline is { nodes: [ … ] }, not []"],
    [{ nodes: {} }, ': a pipeline is { nodes: [ … ] }, not {"nodes":{}}'],
    [{ nodes: [7] }, "nodes.0: a node is a map with slug and plugin, not 7"],
    [{ nodes: [{ slug: "a" }] }, "nodes.0.plugin: must be text; it is missing"],
    [{ nodes: [{ slug: "a", plugin: "" }] }, "nodes.0.plugin: must not be empty"],
    [{ nodes: [{ plugin: "p" }] }, "nodes.0.slug: must be text; it is missing"],
    [{ nodes: [{ slug: 7, plugin: "p" }] }, "nodes.0.slug: must be text, not 7"],
    [{ nodes: [{ slug: "a", plugin: "p", dependsOn: "b" }] }, "nodes.0.dependsOn: must be a list, not 'b'"],
    [{ nodes: [{ slug: "a", plugin: "p", dependsOn: [1] }] }, "nodes.0.dependsOn.0: must be text, not 1"],
    [
      { nodes: [{ slug: "a", plugin: "p", fanMode: "all" }] },
      "nodes.0.fanMode: must be one of single, aggregate, grouped, not 'all'",
    ],
    [{ nodes: [], inputs: [] }, "inputs: must be a map, not []"],
    [{ nodes: [], inputs: { a: 1 } }, "inputs.a: must be a map, not 1"],
    [
      { nodes: [], inputs: { a: { required: "yes" } } },
      "inputs.a.required: must be true or false, not 'yes'",
    ],
    [
      { nodes: [], defaults: { a: [Number.NaN] } },
      "defaults.a.0: must be text, a number, true, false, null, a list or a map, not NaN",
    ],
  ])("its form: %j", (pipeline, message) => {
    expect(lines(pipeline)).toEqual([message]);
  });

  test.each<[object, string]>([
    [{ edgeFilters: { b: [] } }, "edgeFilters.b: a filter is a map with rules and select, not []"],
    [
      { edgeFilters: { b: { select: "best" } } },
      "edgeFilters.b.select: must be one of largest, smallest, not 'best'",
    ],
    [
      { edgeFilters: { b: { rules: [1] } } },
      "edgeFilters.b.rules.0: a rule is a map with field, op and value, not 1",
    ],
    [
      { edgeFilters: { b: { rules: [{ field: "x", op: "is", value: true }] } } },
      "edgeFilters.b.rules.0.op: must be one of eq, neq, gt, gte, lt, lte, in, not_in, contains, not_contains, starts_with, ends_with, exists, not_exists, not 'is'",
    ],
    [{ edgeFilters: { b: { rules: [{ field: "x", value: "" }] } } }, "edgeFilters.b.rules.0.op: is missing"],
    [{ bindings: { x: "{a}" } }, "bindings.x: a binding is a map with source, not '{a}'"],
    [
      { bindings: { x: { source: "env" } } },
      "bindings.x.source: must be one of previous_node, config, runtime, expression, not 'env'",
    ],
    [{ bindings: { x: { source: "config", value: 7 } } }, "bindings.x.value: must be text, not 7"],
    [
      { bindings: { x: { source: "previous_node", node: "b" } } },
      "bindings.x.key: must be text; it is missing",
    ],
    [{ bindings: { x: { source: "runtime", default: new Date(0) } } }, "bindings.x.default: must be text"],
    [{ bindings: { x: { source: "expression" } } }, "bindings.x.expression: must be text; it is missing"],
  ])("the form of a node: %j", (more, message) => {
    const [first] = lines({ nodes: [{ slug: "a", plugin: "p", ...more }] });
    expect(first?.startsWith(`nodes.0.${message}`), first).toBe(true);
  });

  test("nothing else: fields that are the product's own are let be, and not kept", async () => {
    const nodes = [{ slug: "a", plugin: "p", config: { password: "hidden" } }];
    const rig = new EngineRig();
    await rig.engine.start("run", { nodes });
    expect(JSON.stringify(await rig.store.read("run", 1))).not.toContain("hidden");
  });
});

test("slugs are given to nodes without, and stay", () => {
  const nodes = [
    { slug: "", plugin: "p" },
    { slug: "p_2", plugin: "x" },
    { plugin: "p", more: 1 },
    { slug: "own", plugin: "p" },
    { plugin: "q" },
  ];
  const once = withSlugs(nodes);
  expect(once.map(({ slug }) => slug)).toEqual(["p_1", "p_2", "p_3", "own", "q_1"]);
  expect(once[2]).toEqual({ slug: "p_3", plugin: "p", more: 1 });
  expect(withSlugs(once)).toEqual(once);
});
