/** All of them. */
import { DATA_MUTATIONS } from "./data.ts";
import type { Mutation } from "./mutation.ts";

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "the fence: first write wins",
    patches: [
      {
        file: "internal/contract/streams.ts",
        from: `subjects: names.allFacts, retention: "limits", perSubject: "first" }`,
        to: `subjects: names.allFacts, retention: "limits", perSubject: "newest" }`,
      },
    ],
  },
  {
    name: "the fence: outcomes of another run",
    patches: [
      {
        file: "internal/core/run-fold.ts",
        from: "if (fact.runSeq !== this.seq)",
        to: "if (fact.runSeq < 0)",
      },
    ],
  },
  {
    name: "the void rule of the fold",
    patches: [
      {
        file: "internal/core/run-fold.ts",
        from: "if (instance === undefined || !this.isCurrent(instance, outcome.attempt)) {",
        to: "if (instance === undefined) {",
      },
    ],
  },
  {
    name: "what depends on what was skipped is skipped",
    patches: [
      {
        file: "internal/core/task-flow.ts",
        from: "if (parents.some((parent) => isSkipped(parent, this.instances)))",
        to: "if (parents.some((parent) => isSkipped(parent, this.instances)) && position < 0)",
      },
    ],
  },
  {
    name: "no attempt after a final failure",
    patches: [{ file: "internal/core/next-attempts.ts", from: "isFinal === true || ", to: "" }],
  },
  {
    name: "the end of looking again",
    patches: [
      {
        file: "internal/core/next-attempts.ts",
        from: "return since + giveUpAfterMs - now;",
        to: "return Infinity;",
      },
    ],
  },
  {
    name: "the reconcile pass",
    patches: [
      {
        file: "internal/executor/reconciler.ts",
        from: "if (isIdle()) return;",
        to: "return;",
      },
    ],
  },
  {
    name: "the check of suspect copies",
    patches: [
      {
        file: "internal/worker/worker.ts",
        from: "if (delivery.isSuspect || ",
        to: "if (",
      },
    ],
  },
  {
    name: "the order of recovery: queue first, log second",
    patches: [
      {
        file: "internal/executor/coordinator.ts",
        from: "this.#recover(this.#copies);",
        to: "this.#recover(new Copies(await queue.list()));",
      },
    ],
  },
  {
    name: "the suspension of verdicts after a reconnect",
    patches: [
      {
        file: "internal/executor/overseer.ts",
        from: "this.table.excuseAll(this.#options.clock.monotonic());\n    this.#losses.excuse();",
        to: "",
      },
    ],
  },
  {
    name: "the order of outcome and ack",
    patches: [
      {
        file: "internal/worker/outcome-writer.ts",
        from: "await this.#append(group);",
        to: "for (const { delivery } of group) delivery.ack();\n      await this.#append(group);",
      },
    ],
  },
  ...DATA_MUTATIONS,
];
