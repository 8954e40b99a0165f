/** Runs that are waited for here and driven elsewhere. */
import { beforeEach, expect, test } from "vitest";
import { StoredDefinitions } from "../../internal/contract/definitions.ts";
import type { Fact } from "../../internal/core/facts.ts";
import { partitionsOf } from "../../internal/core/hash.ts";
import { FollowedShare } from "../../internal/executor/followed-share.ts";
import { MemoryCluster } from "../../internal/memory/cluster.ts";
import { dag, task } from "../support/dags.ts";
import { completed, submitted } from "../support/facts.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { until } from "../support/until.ts";

const SHARE = 3;
const DAG = dag([task("a")]);
const [PARTITION = SHARE] = partitionsOf(SHARE);

let cluster: MemoryCluster;
let share: FollowedShare;
/** Where each follower began. */
let begun: number[];
/** What was handed over: run and kind of fact. */
let heard: string[];
let awaited: Set<string>;

beforeEach(async () => {
  cluster = new MemoryCluster({ clock: new ManualClock() });
  begun = [];
  heard = [];
  awaited = new Set();
  const definitions = new StoredDefinitions(cluster.blobs);
  const { log } = cluster;
  share = new FollowedShare({
    log: Object.assign(Object.create(log) as typeof log, {
      follow: (...[options, onFact]: Parameters<typeof log.follow>) => {
        begun.push(options.from);
        return log.follow(options, onFact);
      },
    }),
    definitions,
    share: SHARE,
    onRun: ({ runId }, _change, { fact }) => void heard.push(`${runId} ${fact.kind}`),
    isAwaited: (runId) => awaited.has(runId),
    onError: (runId, error) => void heard.push(`${runId} ${String(error)}`),
    onRewound: () => undefined,
  });
});

async function write(runId: string, fact: Fact): Promise<number> {
  const answer = await cluster.log.append({ runId, partition: PARTITION }, fact);
  return answer.stored ? answer.seq : 0;
}

async function submit(runId: string): Promise<number> {
  const definition = await new StoredDefinitions(cluster.blobs).put(DAG);
  return write(runId, { ...submitted(DAG), definition });
}

let outcomes = 0;
/** The run that began there has completed. */
async function complete(runId: string, runSeq: number): Promise<void> {
  const n = ++outcomes;
  await write(runId, {
    kind: "outcomes",
    runSeq,
    items: [completed("a")],
    queue: "default",
    incarnation: "w",
    n,
  });
}

async function hears(expected: readonly string[]): Promise<void> {
  await until(
    () => heard.length >= expected.length,
    () => heard,
  );
  // Runs are independent of each other; which of two is heard first is of no matter.
  const byRun = (all: readonly string[]): string[] =>
    all.toSorted((a, b) => runOf(a).localeCompare(runOf(b)));
  expect(byRun(heard)).toEqual(byRun(expected));
}

function runOf(line: string): string {
  return line.split(" ")[0] ?? "";
}

test("one follower reads for all runs, also for those whose submission it read before they were added", async () => {
  const first = await submit("r1");
  share.add("r1", first);
  await hears(["r1 submitted"]);
  awaited.add("r2");
  const second = await submit("r2");
  await hears(["r1 submitted", "r2 submitted"]);
  share.add("r2", second);
  await complete("r2", second);
  await complete("r1", first);
  await hears(["r1 submitted", "r2 submitted", "r2 outcomes", "r1 outcomes"]);
  expect(begun).toEqual([first]);
});

test("for a run that began before, it is read again from there, and nobody hears anything twice", async () => {
  const old = await submit("old");
  const first = await submit("r1");
  share.add("r1", first);
  await hears(["r1 submitted"]);
  share.add("old", old);
  await complete("r1", first);
  await complete("old", old);
  await hears(["r1 submitted", "old submitted", "r1 outcomes", "old outcomes"]);
  expect(begun).toEqual([first, old]);
});

test("when the last run is no longer waited for, it is not read any more", async () => {
  const first = await submit("r1");
  share.add("r1", first);
  await hears(["r1 submitted"]);
  share.remove("r1");
  await complete("r1", first);
  const second = await submit("r2");
  share.add("r2", second);
  await hears(["r1 submitted", "r2 submitted"]);
  expect(begun).toEqual([first, second]);
});
