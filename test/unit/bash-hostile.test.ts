/** What a hostile script does to those around it: nothing of it is left, and nobody waits for it. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import { TestFolder } from "../support/folder.ts";
import { commandOf, descendantsOf, freeze, isRunning, parentOf } from "../support/processes.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const bash = new BashTaskExecutor();

async function run(script: string, options: JsonObject = {}): Promise<TaskReturn> {
  return bash.execute(call(script, { options, attempt: 1 }), context());
}

/** Process ids that scripts have written into files of this folder, once there are so many. */
async function written(folder: TestFolder, count: number): Promise<number[]> {
  return until(() => {
    const texts = readdirSync(folder.path).map((name) => readFileSync(`${folder.path}/${name}`, "utf8"));
    const pids = texts.filter((text) => text.endsWith("\n")).map(Number);
    return pids.length >= count && pids;
  });
}

const enter = (folder: TestFolder): string => `echo $BASHPID > ${folder.path}/$BASHPID`;

/** What runs until it is killed. */
const STAY = "trap '' TERM; while :; do sleep 0.05; done";

const spawners = (): number[] =>
  descendantsOf(process.pid).filter((pid) => commandOf(pid).includes("spawner/main.mjs"));

describe("an end that it does not want", () => {
  test.each([
    ["it ignores SIGTERM", `ENTER; ${STAY}`, 1],
    ["so does its child, and leaves the group", `setsid bash -c 'ENTER; ${STAY}' & ENTER; ${STAY}`, 2],
    ["it stands still", "ENTER; kill -STOP $$", 1],
    ["it has many children", `for i in {1..100}; do (ENTER; ${STAY}) & done; ENTER; wait`, 101],
    ["it has closed what it prints to", `exec >&- 2>&-; ENTER; ${STAY}`, 1],
    ["it keeps printing", "trap '' TERM; ENTER; yes", 1],
  ])("%s", async (_name, script, count) => {
    await using folder = await TestFolder.make();
    const stop = new AbortController();
    const running = bash.execute(call(script.replaceAll("ENTER", enter(folder))), context(stop.signal));
    const pids = await written(folder, count);
    stop.abort();
    expect(await running).toMatchObject({ ok: false });
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test("a bomb: it starts more until it is gone", async () => {
    await using folder = await TestFolder.make();
    const stop = new AbortController();
    // Each becomes two, without an end; how many there are at a time is held down, for the sake of those around.
    const script = `trap '' TERM; bomb() { ${enter(folder)}; while [ $(ls ${folder.path} | wc -l) -gt 150 ]; do sleep 0.2; done; bomb & bomb & wait; }; bomb`;
    const running = bash.execute(call(script), context(stop.signal));
    await written(folder, 100);
    stop.abort();
    await running;
    const pids = await written(folder, 100);
    expect(pids.filter(isRunning)).toEqual([]);
  });
});

describe("what it leaves", () => {
  test("children end with it", async () => {
    await using folder = await TestFolder.make();
    const { ok } = await run(
      `for i in 1 2 3; do (${enter(folder)}; ${STAY}) & done; until [ $(ls ${folder.path} | wc -l) = 3 ]; do sleep 0.01; done`,
    );
    expect(ok).toBe(true);
    expect((await written(folder, 3)).filter(isRunning)).toEqual([]);
  });

  test.each([
    ["holds what it prints to", ""],
    ["prints without an end", "yes & "],
  ])("whoever has left its group and %s keeps nobody waiting", async (_name, how) => {
    await using folder = await TestFolder.make();
    const { ok } = await run(
      `setsid bash -c '${enter(folder)}; ${how}sleep 1000' & until [ "$(ls ${folder.path})" ]; do sleep 0.01; done`,
    );
    expect(ok).toBe(true);
    for (const pid of await written(folder, 1)) process.kill(-pid, "SIGKILL");
  });
});

describe("what it prints", () => {
  test("hundreds of megabytes keep neither the loop nor other tasks, and take no memory", async () => {
    let peak = 0;
    let turns = 0;
    const before = process.memoryUsage.rss();
    const watch = setInterval(() => {
      turns++;
      peak = Math.max(peak, process.memoryUsage.rss() - before);
    }, 1);
    const heard = { stdout: 0, stderr: 0 };
    const print = (stream: "stdout" | "stderr", bytes: Uint8Array): void =>
      void (heard[stream] += bytes.length);
    const flood = "head -c 100000000 /dev/zero & head -c 100000000 /dev/zero >&2; wait";
    const state = { isOver: false };
    const flooding = bash.execute(call(flood), { ...context(), print }).finally(() => {
      state.isOver = true;
    });
    await until(() => heard.stdout > 0);
    let others = 0;
    for (; !state.isOver; others++)
      expect(await run("echo $((1 + 1))")).toMatchObject({ ok: true, output: { stdout: "2" } });
    const { ok, output } = await flooding;
    clearInterval(watch);
    expect(ok).toBe(true);
    expect(heard).toEqual({ stdout: 100_000_000, stderr: 100_000_000 });
    expect(output).toMatchObject({ stdout_truncated: true, stderr_truncated: true });
    expect(peak).toBeLessThan(200 * 1_024 * 1_024);
    expect({ others, turns }).toEqual({
      others: expect.toSatisfy((n) => n > 1),
      turns: expect.toSatisfy((n) => n > 100),
    });
  });

  test("half a character, what is no text, and a null byte", async () => {
    expect((await run("printf 'a\\0b\\xe2\\x82'; printf '\\xff\\r\\x1b[0m' >&2")).output).toMatchObject({
      stdout: "a\0b\uFFFD",
      stderr: "\uFFFD\r\u001B[0m",
    });
  });

  test("nothing: it has closed all of it", async () => {
    const { output } = await run("exec <&- >&- 2>&-; echo lost; sleep 0.1; echo lost >&2; true");
    expect(output).toEqual({ stdout: "", stderr: "", exit_code: 0 });
  });
});

describe("the spawner", () => {
  test("one that is killed ends what it ran, which is lost; the next command has another one", async () => {
    await using folder = await TestFolder.make();
    const script = `setsid bash -c '${enter(folder)}; ${STAY}' & (${enter(folder)}; ${STAY}) & ${enter(folder)}; echo begun; ${STAY}`;
    const running = run(script);
    const pids = await written(folder, 3);
    const first = pids.map(parentOf).find((pid) => spawners().includes(pid)) ?? 0;
    process.kill(first, "SIGKILL");
    expect(await running).toMatchObject({
      ok: false,
      error: { reason: "lost", message: "the process that started it died (ended by SIGKILL)" },
      output: { stdout: "begun" },
    });
    expect(pids.filter(isRunning)).toEqual([]);
    const next = Number((await run("echo $PPID")).output?.stdout);
    expect(spawners()).toContain(next);
    expect(spawners()).not.toContain(first);
  });

  test("one that a script kills takes those beside it along once, which is not counted", async () => {
    await using folder = await TestFolder.make();
    const stop = new AbortController();
    const bystander = (attempt: number): Promise<TaskReturn> =>
      bash.execute(call(`${enter(folder)}; ${STAY}`, { attempt }), context(stop.signal));
    const culprit = (attempt: number): Promise<TaskReturn> =>
      bash.execute(call("kill -9 $PPID; sleep 1000", { attempt }), context());

    const firsts = [bystander(1), bystander(1)];
    const pids = await written(folder, 2);
    const message = "the process that started it died (ended by SIGKILL)";
    const released = { ok: false, error: { reason: "released", message } };
    expect(await culprit(1)).toMatchObject(released);
    expect(await Promise.race(firsts)).toMatchObject(released);
    expect(pids.filter(isRunning)).toHaveLength(1);

    const second = bystander(2);
    const later = await written(folder, 3);
    expect(await culprit(2)).toMatchObject({ ok: false, error: { reason: "lost", message } });
    expect(later.filter(isRunning)).toHaveLength(2);
    stop.abort();
    expect(await second).toMatchObject({ error: { reason: "cancelled" } });
    await Promise.all(firsts);
  });

  test("one that a script has stopped for good is killed", async () => {
    expect(await run("kill -STOP $PPID; sleep 1000")).toMatchObject({
      ok: false,
      error: {
        reason: "lost",
        message: "the process that started it died (ended by SIGKILL since it gave no answer)",
      },
    });
    expect(await run("echo again")).toMatchObject({ ok: true });
  });

  test("signals to it, and to its group, change nothing", async () => {
    const pid = Number((await run("echo $PPID")).output?.stdout);
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.kill(-pid, signal);
    expect((await run("echo $PPID")).output).toMatchObject({ stdout: String(pid) });
  });

  test("one that stands still for a while loses nothing", async () => {
    const pid = Number((await run("echo $PPID")).output?.stdout);
    await freeze(pid);
    const running = Promise.all(["a", "b"].map((each) => run(`echo ${each}`)));
    process.kill(pid, "SIGCONT");
    expect((await running).map(({ output }) => output?.stdout)).toEqual(["a", "b"]);
  });
});
