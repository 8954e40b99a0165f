/** Who has a data folder: a process that runs, and nobody that does not. */
import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DataLock } from "../../cmd/local/data-lock.ts";
import { placeOfPids, startOf } from "../../cmd/local/process-identity.ts";
import { TestFolder } from "../support/folder.ts";
import { isRunning } from "../support/processes.ts";
import { Snippet } from "../support/snippet.ts";

const nothing = (): void => undefined;
const lockOf = (folder: TestFolder): string => join(folder.path, "lock");

async function takenBy(folder: TestFolder): Promise<number> {
  return (JSON.parse(await readFile(lockOf(folder), "utf8")) as { pid: number }).pid;
}

test("one at a time; the next one after it was let go", async () => {
  await using folder = await TestFolder.make();
  const tries = await Promise.allSettled([1, 2, 3].map(() => DataLock.take(folder.path, nothing)));
  const [taken, ...others] = tries.filter(({ status }) => status === "fulfilled");
  expect(others).toEqual([]);
  expect(tries.filter(({ status }) => status === "rejected")).toHaveLength(2);
  if (taken?.status === "fulfilled") await taken.value.release();
  await (await DataLock.take(folder.path, nothing)).release();
});

test("a process that is only held up still has it", async () => {
  await using folder = await TestFolder.make();
  await using other = new Snippet(
    `const { DataLock } = await load("cmd/local/data-lock.js");
    await DataLock.take(input, () => {});
    say("taken");
    setInterval(() => {}, 1_000);`,
    { input: folder.path },
  );
  await other.says();
  other.kill("SIGSTOP");
  await expect(DataLock.take(folder.path, nothing)).rejects.toThrow(
    `in use by another dag up (pid ${other.pid})`,
  );
  other.kill("SIGKILL");
  await other.ended;
  const lock = await DataLock.take(folder.path, nothing);
  expect(await takenBy(folder)).toBe(process.pid);
  await lock.release();
});

test.each([
  ["of another process with the same number", { pid: process.ppid, started: "1" }],
  ["of a number that nobody has", { pid: 2 ** 22 + 1, started: "1" }],
  ["that was not written to its end", undefined],
])("a lock %s is no obstacle", async (_name, mark) => {
  await using folder = await TestFolder.make();
  const whole = JSON.stringify({ ...mark, place: await placeOfPids() });
  await writeFile(lockOf(folder), mark === undefined ? "{" : whole);
  const lock = await DataLock.take(folder.path, nothing);
  expect(await takenBy(folder)).toBe(process.pid);
  await lock.release();
});

test("a process in another container is known by the signs of life that it gives", async () => {
  await using folder = await TestFolder.make();
  const elsewhere = { pid: 2 ** 22 + 1, started: "1", place: "elsewhere" };
  await writeFile(lockOf(folder), JSON.stringify(elsewhere));
  const touching = setInterval(() => void utimes(lockOf(folder), new Date(), new Date()), 100);
  await expect(DataLock.take(folder.path, nothing)).rejects.toThrow("in use by another dag up");
  clearInterval(touching);
  await (await DataLock.take(folder.path, nothing)).release();
});

test("a server that was left behind without anybody to end it is ended", { timeout: 60_000 }, async () => {
  await using folder = await TestFolder.make();
  await using server = new Snippet(`say("up"); setInterval(() => {}, 1_000);`);
  await server.says();
  const former = {
    pid: 2 ** 22 + 1,
    started: "1",
    place: await placeOfPids(),
    server: { pid: server.pid, started: await startOf(server.pid) },
  };
  await writeFile(lockOf(folder), JSON.stringify(former));
  const waits: string[] = [];
  const lock = await DataLock.take(folder.path, (what) => waits.push(what));
  expect(waits).toEqual([`waiting for the end of the nats-server of an earlier dag up (pid ${server.pid})`]);
  expect(isRunning(server.pid)).toBe(false);
  await lock.release();
});
