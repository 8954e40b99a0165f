import { appendFile, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LogTail } from "../../cmd/local/log-tail.ts";
import { TestFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

test("lines from now on, whole ones, also those that come right before the end", async () => {
  await using folder = await TestFolder.make();
  const file = await folder.write("x.log", "before\n");
  const lines: string[] = [];
  const tail = await LogTail.follow(file, (line) => lines.push(line));
  const euro = Buffer.from("euro €\n");
  await appendFile(file, Buffer.concat([Buffer.from("one\n"), euro.subarray(0, -3)]));
  await until(() => lines.length === 1);
  await appendFile(file, euro.subarray(-3));
  await until(() => lines.length === 2);
  await appendFile(file, "last\n");
  await tail.stop();
  expect(lines).toEqual(["one", "euro €", "last"]);
});

test("a log that grows large is moved aside once it is read, and goes on", async () => {
  await using folder = await TestFolder.make();
  const file = join(folder.path, "x.log");
  let count = 0;
  const tail = await LogTail.follow(file, () => count++);
  const line = `${"x".repeat(1_023)}\n`;
  await appendFile(file, line.repeat(17 * 1_024));
  await until(
    async () => (await stat(file)).size === 0,
    async () => ({ count, size: (await stat(file)).size }),
  );
  await appendFile(file, line);
  await tail.stop();
  expect(count).toBe(17 * 1_024 + 1);
  expect(await readFile(file, "utf8")).toBe(line);
  expect((await readdir(folder.path)).toSorted()).toEqual(["x.log", "x.log.1"]);
});
