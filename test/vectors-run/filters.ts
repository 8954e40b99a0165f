/** Edge filters: whether an artifact passes all rules, which of several are kept, and rules that are refused. */
import type { Artifact } from "../../internal/core/artifact.ts";
import { compileFilter, type EdgeFilter } from "../../internal/core/edge-filter.ts";
import { DefinitionError } from "../../internal/spec/problems.ts";
import { readDefinition } from "../../internal/spec/read.ts";
import { artifactOf } from "./artifacts.ts";
import { differences, type Vector, type VectorRunner } from "./vector.ts";

interface Rule {
  readonly field: string;
  readonly operator: string;
  readonly value?: unknown;
}

interface Given {
  readonly rules?: readonly Rule[];
  readonly select?: string;
}

type One = Vector & Given & { readonly artifact: Parameters<typeof artifactOf>[0] };
type Several = Vector & {
  readonly filter: Given;
  readonly artifacts: readonly Parameters<typeof artifactOf>[0][];
};

export const filters: VectorRunner = {
  file: "filters.json",
  run: (vector) => ("filter" in vector ? runSeveral(vector as Several) : runOne(vector as One)),
};

function runOne(vector: One): readonly string[] {
  const filter = readFilter({ rules: vector.rules ?? [] });
  if (vector.invalid === true) return filter === undefined ? [] : ["the rule was read"];
  if (filter === undefined) return ["the rule was refused"];
  const passes = kept(filter, [artifactOf(vector.artifact)]).length === 1;
  // Where later releases judge otherwise, they are right.
  return differences({ passes }, { passes: vector.passes_later_releases ?? vector.passes });
}

function runSeveral(vector: Several): readonly string[] {
  const filter = readFilter(vector.filter);
  if (filter === undefined) return ["the filter was refused"];
  return differences({ kept: kept(filter, vector.artifacts.map(artifactOf)) }, { kept: vector.kept });
}

function kept(filter: EdgeFilter, artifacts: readonly Artifact[]): string[] {
  return compileFilter(filter)(artifacts).map(({ id }) => id);
}

/** By way of a definition, as users write them; `undefined` when that is refused. */
function readFilter({ rules = [], ...more }: Given): EdgeFilter | undefined {
  const edge_filters = {
    from: { ...more, rules: rules.map(({ operator: op, ...rule }) => ({ ...rule, op })) },
  };
  const tasks = [
    { id: "from", type: "gate" },
    { id: "to", type: "gate", depends_on: ["from"], edge_filters },
  ];
  try {
    return readDefinition({ name: "case", tasks }).tasks[1]?.edgeFilters?.from;
  } catch (error) {
    if (error instanceof DefinitionError) return undefined;
    throw error;
  }
}
