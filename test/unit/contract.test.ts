/** The wire: what is written is read again, what is not ours is told apart, and more fields do no harm. */
import { describe, expect, it } from "vitest";
import { decodeFact, encodeFact } from "../../internal/contract/facts.ts";
import * as notices from "../../internal/contract/notices.ts";
import { toMs, toSeconds } from "../../internal/contract/schemas.ts";
import { streamSpecs } from "../../internal/contract/streams.ts";
import { isNamespace, Names, readFactSubject, readTaskSubject } from "../../internal/contract/subjects.ts";
import type { Work } from "../../internal/core/attempt.ts";
import { decodeWork, encodeWork } from "../../internal/contract/work.ts";
import { toRecord } from "../../internal/core/artifact-record.ts";
import type { ProducedArtifact } from "../../internal/core/artifact.ts";
import type { Fact } from "../../internal/core/facts.ts";
import {
  COMPLETED,
  FAILED,
  HEARTBEAT,
  NOT_YET,
  outcomes,
  RUN,
  SKIPPED,
  SUBMITTED,
  WORK,
} from "../conformance/samples.ts";

const names = new Names("jetdag");
const CANCEL: Fact = { kind: "cancel", gen: 2, cause: "time-limit", message: "too long" };
const RETRY: Fact = { kind: "retry", gen: 1, tasks: ["load"] };
const FINISHED: Fact = { kind: "finished", gen: 0, state: "failed", durationMs: 0.125 };
const RETIRED: Fact = { kind: "retired", gen: 2, state: "failed", durationMs: 0.125 };
const ARTIFACT: ProducedArtifact = {
  id: "a.0.1.1",
  name: "out/a\nb.csv",
  size: 5_368_709_120,
  mimeType: "text/csv",
  metadata: { title: "A", deep: { list: [1, null] } },
  origin: null,
  file: { name: "art-a-0-1-set-0", bytes: 5_368_709_120, chunks: 10_240, sha256: "ab".repeat(32) },
};
const HANDING_OVER = { task: "a", index: 0, attempt: 1, state: "completed", durationMs: 1 } as const;
const RECORD: ProducedArtifact = { id: "r", name: "", size: null, mimeType: null, metadata: {} };
const FACTS: Fact[] = [
  SUBMITTED,
  outcomes(1, {
    items: [
      { ...HANDING_OVER, artifacts: { inline: [ARTIFACT, RECORD] } },
      { ...HANDING_OVER, task: "b", artifacts: { set: "s", pieces: 2 } },
    ],
  }),
  outcomes(2, {
    items: [],
    pieces: [{ task: "b", index: 3, attempt: 1, set: "s", piece: 1, artifacts: [RECORD, ARTIFACT] }],
  }),
  outcomes(17, { items: [COMPLETED, FAILED, SKIPPED, NOT_YET] }),
  CANCEL,
  RETRY,
  FINISHED,
  RETIRED,
];

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

function json(message: Uint8Array): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(message)) as Record<string, unknown>;
}

function keysOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(keysOf);
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
}

/** A fact as a reader gets it from the log. */
function read(
  fact: Fact,
  change: (message: Record<string, unknown>) => unknown,
): ReturnType<typeof decodeFact> {
  const subject = readFactSubject(names.fact(RUN, fact));
  if (subject === undefined) throw new Error("the subject cannot be read");
  return decodeFact(subject, bytes(change(json(encodeFact(fact)))));
}

describe("facts", () => {
  it.each(FACTS)("$kind is read as it was written", (fact) => {
    expect(read(fact, (message) => message)).toEqual({ value: fact });
  });

  it.each(FACTS)("$kind says its version, and names its fields in snake case", (fact) => {
    const message = json(encodeFact(fact));
    expect(message.v).toBe(1);
    expect(keysOf(message).filter((key) => /[A-Z]/.test(key))).toEqual([]);
  });

  it.each(FACTS)("$kind of a later version that only adds fields is read", (fact) => {
    expect(read(fact, (message) => ({ ...message, added: { later: true } }))).toEqual({ value: fact });
  });

  it.each(FACTS)("$kind of another form is not read", (fact) => {
    expect(read(fact, (message) => ({ ...message, v: 2 }))).toMatchObject({
      wrong: expect.stringMatching(/^v: /),
    });
    expect(read(fact, () => "[]")).toHaveProperty("wrong");
    expect(read(fact, () => '{"v":1')).toMatchObject({ wrong: expect.stringMatching(/^not JSON: /) });
  });

  it("names what is wrong, and not without end", () => {
    const wrong = read(SUBMITTED, () => ({ v: 1 }));
    expect(wrong).toMatchObject({ wrong: expect.stringMatching(/^dag_name: .*; and 2 more$/) });
  });

  it("does not take for UTF-8 what is none", () => {
    const subject = { ...RUN, kind: "cancel", gen: 0 } as const;
    expect(decodeFact(subject, Uint8Array.of(0x22, 0xff, 0x22))).toMatchObject({
      wrong: expect.stringMatching(/^not JSON: /),
    });
  });
});

describe("outcomes of the wrong shape", () => {
  const item = { task: "a", index: 0, attempt: 1, state: "completed", duration_ms: 1 };
  const good = { task: "a", index: 0, attempt: 1, state: "completed", durationMs: 1 };

  function items(...raw: unknown[]): ReturnType<typeof decodeFact> {
    return read(outcomes(1), (message) => ({ ...message, items: raw }));
  }

  it.each([
    ["an unknown state", { ...item, state: "won" }],
    ["no state", { ...item, state: undefined }],
    ["a failure that does not say why", { ...item, state: "failed" }],
    ["an unknown reason", { ...item, state: "failed", error: { reason: "moon-phase", message: "" } }],
    ["an output that is no object", { ...item, output: { inline: [1] } }],
    ["an output that is nowhere", { ...item, output: {} }],
    ["a length of time below nothing", { ...item, duration_ms: -1 }],
    [
      "a next attempt that nobody knows the time of",
      { ...item, state: "failed", error: { reason: "network", message: "", again_after_ms: null } },
    ],
  ])("%s is a failure of its attempt, and of no other", (_what, raw) => {
    expect(items(item, { ...raw, task: "b" })).toMatchObject({
      value: {
        items: [
          good,
          {
            task: "b",
            index: 0,
            attempt: 1,
            state: "failed",
            error: { reason: "invalid-outcome", message: expect.stringContaining("cannot be read: ") },
          },
        ],
      },
    });
  });

  it.each([
    ["no task", { ...item, task: undefined }],
    ["an attempt that is no number", { ...item, attempt: "1" }],
    ["an index below 0", { ...item, index: -1 }],
    ["nothing at all", null],
  ])("%s makes the message unreadable", (_what, raw) => {
    expect(items(item, raw)).toMatchObject({
      wrong: expect.stringMatching(/^an outcome does not say of what: /),
    });
  });

  it("keeps an error out of what was completed", () => {
    expect(items({ ...item, error: { reason: "killed", message: "x" } })).toMatchObject({
      value: { items: [good] },
    });
  });
});

describe("attempts", () => {
  it("are read as they were written", () => {
    expect(decodeWork(encodeWork(WORK))).toEqual({ value: WORK });
    const { timeoutMs: _none, ...unlimited } = WORK;
    expect(decodeWork(encodeWork(unlimited))).toEqual({ value: unlimited });
    const doubtful: Work = { ...WORK, gen: 2, mayBeHeld: true, trustedUntil: 1_790_000_000_000 };
    expect(decodeWork(encodeWork(doubtful))).toEqual({ value: doubtful });
    const given = toRecord({ ...ARTIFACT, producedBy: "extract" });
    const data: Work = {
      ...WORK,
      outputs: ["out/*.csv", "report.pdf"],
      bindings: { path: { source: "previous_node", node: "extract", key: "file_path" } },
      edgeFilters: { extract: { rules: [{ field: "x", op: "in", value: ["1"] }], select: "largest" } },
      inputs: {
        inline: { run: { inline: {} }, own: {}, upstream: [], artifacts: { single: true, items: [given] } },
      },
    };
    expect(decodeWork(encodeWork(data))).toEqual({ value: data });
  });

  it("may carry more fields", () => {
    expect(decodeWork(bytes({ ...json(encodeWork(WORK)), suspect: true }))).toEqual({ value: WORK });
  });

  it.each(["run_id", "task", "attempt", "run_seq", "inputs", "v"])("need their %s", (field) => {
    const { [field]: _gone, ...rest } = json(encodeWork(WORK));
    expect(decodeWork(bytes(rest))).toMatchObject({ wrong: expect.stringContaining(`${field}: `) });
  });

  it("name their fields in snake case, up to what a task has named itself", () => {
    const { inputs: _inputs, env: _env, ...own } = json(encodeWork(WORK));
    expect(keysOf(own).filter((key) => /[A-Z]/.test(key))).toEqual([]);
  });
});

describe("notices", () => {
  it("are read as they were written", () => {
    expect(notices.decodeHeartbeat(notices.encodeHeartbeat(HEARTBEAT))).toEqual({ value: HEARTBEAT });
    const took = {
      workerId: "w",
      incarnation: "w-1",
      n: 9,
      attempts: [{ ...RUN_ATTEMPT, queue: "gpu", partition: 7 }],
    };
    expect(notices.decodeTook(notices.encodeTook(took))).toEqual({ value: took });
    for (const command of [
      { kind: "report" },
      { kind: "stop-run", runId: "r", gen: 2 },
      { kind: "stop-attempt", attempt: RUN_ATTEMPT },
    ] as const) {
      expect(notices.decodeCommand(notices.encodeCommand(command))).toEqual({ value: command });
    }
  });

  it("of an unknown kind are told apart", () => {
    expect(notices.decodeCommand(bytes({ v: 1, kind: "dance" }))).toHaveProperty("wrong");
    expect(notices.decodeHeartbeat(bytes("{}"))).toHaveProperty("wrong");
  });
});

const RUN_ATTEMPT = { runId: "r", task: "a", index: 0, attempt: 1 };

describe("subjects", () => {
  it.each(FACTS)("of a fact say which it is: $kind", (fact) => {
    const { runId, partition } = RUN;
    // The end for good stands where the next retry would.
    const kind = fact.kind === "retired" ? "retry" : fact.kind;
    expect(readFactSubject(names.fact(RUN, fact))).toMatchObject({ runId, partition, kind });
  });

  it.each([
    "jetdag.run.64.r.submitted",
    "jetdag.run.-1.r.submitted",
    "jetdag.run.x.r.submitted",
    "jetdag.run.01.r.submitted",
    "jetdag.run.1.r",
    "jetdag.run.1.r.submitted.more",
    "jetdag.run.1.r.cancel",
    "jetdag.run.1.r.cancel.1.5",
    "jetdag.run.1.r.cancel.one",
    "jetdag.run.1.r.outcomes.q.w",
    "jetdag.run.1.r.outcomes.q.w.1e3",
    "jetdag.run.1.r.outcomes.q.w.1.2",
    "jetdag.run.1.r.danced.0",
  ])("of no fact are told apart: %s", (subject) => {
    expect(readFactSubject(subject)).toBeUndefined();
  });

  it("of an attempt say which it is", () => {
    const { runId, task, index, attempt, queue } = WORK;
    expect(readTaskSubject(names.task(queue, WORK))).toEqual({ runId, task, index, attempt, queue });
    for (const wrong of ["jetdag.task.q.r.t.0", "jetdag.task.q.r.t.0.1.2", "jetdag.task.q.r.t.zero.1"]) {
      expect(readTaskSubject(wrong)).toBeUndefined();
    }
  });

  it("give every owner of values a place of its own", () => {
    const places = ["definitions", { runId: "def" }, { runId: "run" }, { runId: "a" }] as const;
    expect(new Set(places.map((owner) => names.blobChunk(owner, "x", 0))).size).toBe(places.length);
  });

  it("begin with a namespace that cannot change their routing", () => {
    expect(["jetdag", "a", "team_1-test"].filter(isNamespace)).toHaveLength(3);
    const bad = ["", "a.b", "*", ">", "a b", "Jetdag", "x".repeat(33)];
    expect(bad.filter(isNamespace)).toEqual([]);
  });

  it("lie in the streams of their namespace", () => {
    const specs = streamSpecs(new Names("team-a"));
    expect(specs.map(({ name }) => name)).toEqual(
      ["RUNS", "TASKS", "BLOBS", "DAGS", "HISTORY", "CHECKPOINTS", "DEAD"].map((name) => `TEAM-A_${name}`),
    );
    expect(specs.map(({ subjects }) => subjects)).toEqual(
      ["run.>", "task.>", "blob.>", "dag.>", "history.>", "checkpoint.*", "dead.>"].map(
        (part) => `team-a.${part}`,
      ),
    );
  });
});

it("a length of time comes back to the microsecond", () => {
  for (let ms = 0; ms < 20_000; ms++) expect(toMs(toSeconds(ms))).toBe(ms);
  expect(toMs(toSeconds(0.001))).toBe(0.001);
});
