/** Of artifacts between tasks. */
import type { Mutation } from "./mutation.ts";

const FAN_OUT = "internal/core/fan-out.ts";
const STAGED = "internal/core/staged-artifacts.ts";
const TASK_FLOW = "internal/core/task-flow.ts";

export const DATA_MUTATIONS: readonly Mutation[] = [
  {
    name: "a task waits for all instances of what it depends on",
    patches: [
      {
        file: "internal/core/instances.ts",
        from: "return this.openOf(position) === 0;",
        to: "return this.openOf(position) <= 1;",
      },
    ],
  },
  {
    name: "rules first, then select",
    patches: [
      {
        file: "internal/core/edge-filter.ts",
        from: "bySize(passed, select);",
        to: "bySize(artifacts, select).filter((each) => tests.every((passes) => passes(each)));",
      },
    ],
  },
  {
    name: "an aggregate with an edge that is rejected is skipped",
    patches: [
      { file: FAN_OUT, from: `mode === "aggregate" && edges.some(isRejected)`, to: "edges.length < 0" },
    ],
  },
  {
    name: "an edge without artifacts is not rejected",
    patches: [{ file: FAN_OUT, from: "isFiltered && found.length > 0 && ", to: "isFiltered && " }],
  },
  {
    name: "the order of artifacts: as in depends_on",
    patches: [
      {
        file: "internal/core/artifact-flow.ts",
        from: "return [...this.#graph.parentsOf(position)].map(",
        to: "return [...this.#graph.parentsOf(position)].toSorted((a, b) => a - b).map(",
      },
    ],
  },
  {
    name: "the origin goes back to the root",
    patches: [{ file: FAN_OUT, from: "(from.origin ?? from.id)", to: "from.id" }],
  },
  {
    name: "what belongs to no group goes to all",
    patches: [{ file: FAN_OUT, from: "return [...own, ...shared];", to: "return [...own];" }],
  },
  {
    name: "only gates are looked through",
    patches: [
      {
        file: "internal/core/passthrough.ts",
        from: " && graph.task(position).isPassthrough === true;",
        to: ";",
      },
    ],
  },
  {
    name: "as many instances as the limit says",
    patches: [{ file: FAN_OUT, from: "collected.length > limit", to: "collected.length >= limit" }],
  },
  {
    name: "skipped is a task of which all instances are",
    patches: [
      {
        file: "internal/core/task-result.ts",
        from: "index < instances.countOf(position)",
        to: "index < Math.min(1, instances.countOf(position))",
      },
    ],
  },
  {
    name: "the pieces of a set are its own",
    patches: [
      { file: STAGED, from: "sets.get(piece.set) ?? []", to: `sets.get("") ?? []` },
      { file: STAGED, from: "sets.set(piece.set, pieces)", to: `sets.set("", pieces)` },
      { file: STAGED, from: "sets?.get(handed.set)", to: `sets?.get("")` },
    ],
  },
  {
    name: "the pieces of an attempt are its own",
    patches: [
      {
        file: STAGED,
        from: "const key = attemptKey(id);\n    const sets = this.#told.get(key) ??",
        to: "const key = attemptKey({ ...id, attempt: 0 });\n    const sets = this.#told.get(key) ??",
      },
      {
        file: STAGED,
        from: "const key = attemptKey(id);\n    const sets = this.#told.get(key);\n    this.#told.delete(key);",
        to: "const key = attemptKey({ ...id, attempt: 0 });\n    const sets = this.#told.get(key);",
      },
    ],
  },
  {
    name: "an outcome whose pieces are missing is none",
    patches: [
      {
        file: STAGED,
        from: "if (told === undefined) return undefined;",
        to: "if (told === undefined) break;",
      },
    ],
  },
  {
    name: "the files of an attempt that runs twice are apart",
    patches: [
      {
        file: "internal/worker/attempt-artifacts.ts",
        from: "${attempt}-${this.#set}-${i}",
        to: "${attempt}-${i}",
      },
    ],
  },
  {
    name: "each instance gets its own artifacts",
    patches: [
      {
        file: "internal/executor/work-builder.ts",
        from: "run.artifacts.inputOf(owed.instance)",
        to: "run.artifacts.inputOf(position)",
      },
    ],
  },
  {
    name: "each instance has a copy of its own",
    patches: [
      {
        file: "internal/contract/subjects.ts",
        from: "${runId}.${task}.${index}.${attempt}`;",
        to: "${runId}.${task}.${Math.min(index, 0)}.${attempt}`;",
      },
    ],
  },
  {
    name: "an instance that has ended is not owed",
    patches: [
      {
        file: "internal/core/run-fold.ts",
        from: "if (!this.isCurrent(instance, attempt)) continue;",
        to: "if (!this.#instances.wasBegun(instance)) continue;",
      },
    ],
  },
  {
    name: "siblings that completed are kept by a retry",
    patches: [
      {
        file: TASK_FLOW,
        from: "if (keepsInstances && isKept(this.instances.state(instance))) continue;",
        to: "",
      },
    ],
  },
  {
    name: "below what runs again all is launched anew",
    patches: [
      {
        file: "internal/core/rerun.ts",
        from: "if (graph.parentsOf(position).some((parent) => again.has(parent))) return false;",
        to: "",
      },
    ],
  },
  {
    name: "what could not be launched is launched anew",
    patches: [
      {
        file: "internal/core/rerun.ts",
        from: "if (run.whyNotLaunched(position) !== undefined) return false;",
        to: "",
      },
    ],
  },
  {
    name: "the numbers of attempts rise through launches",
    patches: [{ file: "internal/core/instances.ts", from: "this.#attempt[instance] = before;", to: "" }],
  },
  {
    name: "values stay while their run may go on",
    patches: [
      {
        file: "internal/executor/historian.ts",
        from: "const closed = retirementOf(facts) ??",
        to: "await this.#options.blobs.removeRun(runId);\n    const closed = retirementOf(facts) ??",
      },
    ],
  },
  {
    name: "values go with the history",
    patches: [
      {
        file: "internal/executor/historian.ts",
        from: "if (isOwn) await blobs.removeRun(entry.runId);",
        to: "",
      },
    ],
  },
  {
    name: "a stop is for the generation that has ended",
    patches: [{ file: "internal/worker/worker.ts", from: " && (work.gen ?? 0) <= gen", to: "" }],
  },
];
