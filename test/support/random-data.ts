/** Artifacts between tasks, by chance: what tasks do with those that they are given, and what they hand over. */
import type { Bindings } from "../../internal/core/bindings.ts";
import type { EdgeFilter, EdgeFilters, FilterRule } from "../../internal/core/edge-filter.ts";
import type { Task } from "../../internal/core/model.ts";
import { GATE } from "../../internal/core/task-types.ts";
import type { ModelFilter } from "./graph-model.ts";
import { shuffled } from "./random-graphs.ts";
import type { SeededRandom } from "./random.ts";

const KINDS = ["a", "b"];
/** Of files, in bytes: an id has room in the smallest. */
const SMALLEST = 40;
const SIZES = 12;
/** The field that bindings fill in. */
export const BOUND = "bound";

/** The same task, with what it does with artifacts. The order of what it depends on is theirs. */
export function withData(random: SeededRandom, plain: Task): Task {
  const dependsOn = shuffled(plain.dependsOn, random);
  const task = { ...plain, dependsOn };
  const fanMode =
    dependsOn.length === 0 || random.chance(0.2)
      ? undefined
      : random.pick(["single", "single", "aggregate", "grouped"] as const);
  const edgeFilters = fanMode === undefined ? {} : randomFilters(random, dependsOn);
  const data = {
    ...(fanMode === undefined ? {} : { fanMode }),
    ...(Object.keys(edgeFilters).length === 0 ? {} : { edgeFilters }),
  };
  if (random.chance(0.15)) return { ...task, ...data, type: GATE, command: "", isPassthrough: true };
  return { ...task, ...data, ...randomBindings(random, dependsOn) };
}

function randomFilters(random: SeededRandom, dependsOn: readonly string[]): EdgeFilters {
  const filtered = dependsOn.filter(() => random.chance(0.35));
  return Object.fromEntries(filtered.map((each) => [each, randomFilter(random)]));
}

function randomFilter(random: SeededRandom): EdgeFilter {
  const above: FilterRule = { field: "file_size", op: "gt", value: randomSize(random) };
  const kind: FilterRule = { field: "kind", op: "eq", value: random.pick(KINDS) };
  return {
    rules: [...(random.chance(0.4) ? [above] : []), ...(random.chance(0.3) ? [kind] : [])],
    ...(random.chance(0.4) ? { select: random.pick(["largest", "smallest"] as const) } : {}),
  };
}

function randomSize(random: SeededRandom): number {
  return SMALLEST + random.below(SIZES);
}

/** The same for the plain model. */
export function filterOf({ rules, select }: EdgeFilter = { rules: [] }): ModelFilter {
  const valueOf = (name: string): unknown => rules.find(({ field }) => field === name)?.value;
  const [above, kind] = [valueOf("file_size") as number | undefined, valueOf("kind") as string | undefined];
  return {
    ...(above === undefined ? {} : { above }),
    ...(kind === undefined ? {} : { kind }),
    ...(select === undefined ? {} : { select }),
  };
}

/** By `previous_node` or by an expression, which come to the same. */
function randomBindings(random: SeededRandom, dependsOn: readonly string[]): { bindings?: Bindings } {
  if (dependsOn.length === 0 || random.chance(0.6)) return {};
  const node = random.pick(dependsOn);
  return {
    bindings: {
      [BOUND]: random.chance(0.5)
        ? { source: "previous_node", node, key: "key" }
        : { source: "expression", expression: `{${node}.key}` },
    },
  };
}

/** One that a task hands over. */
export interface RandomArtifact {
  readonly id: string;
  /** The file's, in bytes; `undefined` for a record. */
  readonly size: number | undefined;
  /** `key` is its id. */
  readonly metadata: { readonly key: string; readonly kind: string };
  /** Absent: by the rules. */
  readonly origin?: string | null;
}

/** Most tasks hand over a few; some none, or more than the limit. `prefix`: what no other attempt has. */
export function randomArtifacts(
  random: SeededRandom,
  { prefix, limit }: { readonly prefix: string; readonly limit: number },
): RandomArtifact[] {
  const most = random.chance(0.05) ? limit + 1 : Math.min(3, limit);
  return Array.from({ length: random.chance(0.15) ? 0 : 1 + random.below(most) }, (_, i) => {
    const id = `${prefix}-${i}`;
    return {
      id,
      size: random.chance(0.3) ? undefined : randomSize(random),
      metadata: { key: id, kind: random.pick(KINDS) },
      ...(random.chance(0.1) ? { origin: random.pick([null, "shared"]) } : {}),
    };
  });
}
