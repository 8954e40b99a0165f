/** Does the product of examples/engine end its run, with each task's effect once, whenever it is killed? */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import type { Fact } from "../../internal/core/facts.ts";
import { TestFolder } from "../support/folder.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const EXAMPLE = join(ROOT, "examples/engine/albums.mjs");
const LAST = "Holidays: lake.jpg (640), hill.jpg (640), town.jpg (640)\n";

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Killed before the statement of this number, where there is one. */
async function runExample(db: string, killAt: number): Promise<Ended> {
  const preload = ["--import", join(ROOT, "test/support/kill-at.mjs")];
  const child = spawn(process.execPath, [...preload, EXAMPLE, db], {
    env: { ...process.env, KILL_AT: String(killAt) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** What is in the database of the product, once it has ended. */
function leftIn(file: string): object {
  const db = new Database(file, { readonly: true });
  const all = <T>(query: string): T[] => db.prepare(query).all() as T[];
  const facts = all<{ event: string }>("SELECT event FROM events ORDER BY number").map(
    ({ event }) => (JSON.parse(event) as { fact: Fact }).fact,
  );
  const ends = facts.flatMap((fact) =>
    fact.kind === "outcomes"
      ? fact.items.map(({ task, index, attempt, state }) => `${task}.${index}.${attempt} ${state}`)
      : [],
  );
  const left = {
    ends: ends.toSorted(),
    queue: all("SELECT id FROM queue"),
    state: all<{ state: string }>("SELECT state FROM runs").map(({ state }) => state),
    shrunk: all<{ task: string; photo: string }>("SELECT task, photo FROM shrunk ORDER BY task").map(
      ({ task, photo }) => `${task} ${photo}`,
    ),
    albums: all<{ title: string }>("SELECT title FROM albums").length,
  };
  db.close();
  return left;
}

/** Each task has ended once; what failed, and what was called off with it, once more after the retry. */
const WHOLE = {
  ends: [
    "bind.0.1 completed",
    "find.0.1 completed",
    "shrink.0.1 completed",
    "shrink.1.1 failed",
    "shrink.1.2 completed",
    "shrink.2.2 completed",
  ],
  queue: [],
  state: ["completed"],
  shrunk: ["holidays.shrink.0.1 lake.jpg", "holidays.shrink.1.2 hill.jpg", "holidays.shrink.2.2 town.jpg"],
  albums: 1,
};

test("it is short, and does what it says", async () => {
  await using folder = await TestFolder.make();
  const text = await readFile(EXAMPLE, "utf8");
  expect(text.split("\n").length).toBeLessThan(150);
  const ended = await runExample(join(folder.path, "albums.db"), 0);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toBe(
    `holidays failed task 'shrink' failed: the disk is full\nholidays completed\n${LAST}`,
  );
  expect(leftIn(join(folder.path, "albums.db"))).toEqual(WHOLE);
});

/** Each step is two processes; a loaded machine takes its time. */
const PATIENCE_MS = 300_000;

test(
  "killed at every step, and started again",
  async () => {
    await using folder = await TestFolder.make();
    let step = 1;
    for (; ; step++) {
      const db = join(folder.path, `at-${step}.db`);
      const first = await runExample(db, step);
      if (first.code === 0) break;
      expect(first.signal, `step ${step}: ${first.stderr}`).toBe("SIGKILL");
      const again = await runExample(db, 0);
      expect(again, `after step ${step}`).toMatchObject({ code: 0, stderr: "" });
      expect(again.stdout.endsWith(LAST), again.stdout).toBe(true);
      expect(leftIn(db), `after step ${step}`).toEqual(WHOLE);
    }
    // As many statements as it takes at least: each of the tasks is taken, asked for, told and let go.
    expect(step).toBeGreaterThan(30);
  },
  PATIENCE_MS,
);

// To find out where the run stands, and to end one task, takes eleven.
test.each([14, 17, 23])(
  "killed again and again, after %i statements each time",
  async (killAt) => {
    await using folder = await TestFolder.make();
    const db = join(folder.path, "albums.db");
    const lives: Ended[] = [];
    while (lives.length < 50 && lives.at(-1)?.code !== 0) lives.push(await runExample(db, killAt));
    expect(lives.slice(0, -1).map(({ signal }) => signal)).toEqual(lives.slice(1).map(() => "SIGKILL"));
    expect(lives.at(-1)).toMatchObject({ code: 0, stderr: "" });
    expect(lives.length).toBeGreaterThan(2);
    expect(leftIn(db)).toEqual(WHOLE);
  },
  PATIENCE_MS,
);
