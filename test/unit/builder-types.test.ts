/** What the compiler sees of definitions that are written as a program. */
import { expect, expectTypeOf, test } from "vitest";
import type { z } from "zod";
import {
  bash,
  type ContainerOptions,
  dag,
  type DagBuilder,
  type DagDefinition,
  type DagOptions,
  DefinitionError,
  fn,
  type HttpRequest,
  type RetryOptions,
  type TaskOptions,
} from "../../cmd/library/jetdag.ts";
import type { dockerOptions } from "../../internal/spec/docker-options.ts";
import type { httpOptions } from "../../internal/spec/http-options.ts";

function etl(): DagBuilder<"extract" | "load"> {
  return dag("etl")
    .task("extract", bash("./extract.sh"))
    .task("load", fn("load"), { dependsOn: ["extract"] });
}

type CamelCase<Name> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;
type TaskDefinition = DagDefinition["tasks"][number];

test("ids of tasks are in the type of the builder", () => {
  expectTypeOf(dag("x")).toEqualTypeOf<DagBuilder<never>>();
  expectTypeOf(etl().task("check", bash("x"))).toEqualTypeOf<DagBuilder<"extract" | "load" | "check">>();
  expectTypeOf(dag<string>("x").task("a", bash("x"))).toEqualTypeOf<DagBuilder<string>>();
});

test("every field of a definition can be given, and no other", () => {
  type DagFields = Exclude<keyof DagDefinition, "name" | "tasks">;
  expectTypeOf<keyof DagOptions>().toEqualTypeOf<CamelCase<DagFields>>();
  type TaskFields = Exclude<
    keyof TaskDefinition,
    "id" | "type" | "command" | "workflow_ref" | "dependencies"
  >;
  expectTypeOf<keyof TaskOptions>().toEqualTypeOf<CamelCase<TaskFields>>();
  expectTypeOf<keyof HttpRequest>().toEqualTypeOf<CamelCase<keyof z.input<typeof httpOptions>>>();
  expectTypeOf<keyof ContainerOptions>().toEqualTypeOf<CamelCase<keyof z.input<typeof dockerOptions>>>();
  expectTypeOf<keyof RetryOptions>().toEqualTypeOf<keyof NonNullable<TaskDefinition["retry"]>>();
});

test("what must not compile, and is refused at run time where it is wrong there too", () => {
  const builder = etl();
  // @ts-expect-error: no task has this id
  expect(() => builder.task("a", bash("x"), { dependsOn: ["extrct"] })).toThrow(DefinitionError);
  // @ts-expect-error: one of them is not there
  expect(() => builder.task("a", bash("x"), { dependsOn: ["extract", "zebra"] })).toThrow(DefinitionError);
  // @ts-expect-error: a task does not depend on itself
  expect(() => builder.task("a", bash("x"), { dependsOn: ["a"] })).toThrow(DefinitionError);
  // @ts-expect-error: there is no task yet
  expect(() => dag("x").task("a", bash("x"), { dependsOn: ["b"] })).toThrow(DefinitionError);
  // @ts-expect-error: the id is taken
  expect(() => builder.task("load", bash("x"))).toThrow(DefinitionError);
  // @ts-expect-error: the name of a file
  expect(() => builder.task("a", bash("x"), { depends_on: ["load"] })).toThrow(DefinitionError);
  // @ts-expect-error: a number of retries is no text
  expect(() => builder.task("a", bash("x"), { retries: "3" })).toThrow(DefinitionError);
  // @ts-expect-error: a script as it is
  expect(() => builder.task("a", "echo hi")).toThrow(DefinitionError);
  // @ts-expect-error: no policy has this name
  expect(() => dag("x", { onFailure: "ignore" })).toThrow(DefinitionError);
  expect(builder.toDefinition()).toEqual(etl().toDefinition());
});

test("what must compile: the compiler does not know ids that are made at run time", () => {
  const made: string = "extract";
  const several: readonly string[] = ["extract", "load"];
  const known = ["extract", "load"] as const;
  const builder = etl()
    .task("a", bash("x"), { dependsOn: [made] })
    .task("b", bash("x"), { dependsOn: several })
    .task("c", bash("x"), { dependsOn: known })
    .task("d", bash("x"), { dependsOn: [] })
    .task(`part-${made}`, bash("x"))
    .task("e", bash("x"), { dependsOn: [`part-${made}`, "a"] })
    .task("part-load", bash("x"))
    .task(String(made.length), bash("x"))
    .task("f", bash("x"), { dependsOn: ["7"] });
  expect(builder.toDefinition().tasks).toHaveLength(11);
});
