/** Scripts that run as somebody else than the worker, which only root can have them do. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { JsonObject } from "../../internal/core/json.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import { BashUser, CannotRunAs } from "../../internal/tasks/bash-user.ts";
import { TestFolder } from "../support/folder.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const isRoot = process.getuid?.() === 0;

/** Nobody else is called so. */
const UID = 54_321;
const GID = 54_322;

function processesOf(uid: number): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      return new RegExp(`^Uid:\\s${uid}\\b`, "m").test(status) && !/^State:\s+[ZX]/m.test(status);
    } catch {
      return false;
    }
  });
}

describe.skipIf(!isRoot)("as somebody else", () => {
  let bash: BashTaskExecutor;
  beforeAll(async () => {
    bash = new BashTaskExecutor({ user: await BashUser.of(`${UID}:${GID}`) });
  });
  const run = async (script: string, options: JsonObject = {}): Promise<JsonObject & { stdout: string }> => {
    const { output } = await bash.execute(call(script, { options, params: { a: 1 } }), context());
    return { ...output, stdout: output?.stdout as string };
  };

  test("all that is its own is there, and nothing that is ours", async () => {
    const script = `id -u; id -g; id -G; stat -c %u:%g:%a . "$JETDAG_PARAMS_FILE"; cat "$JETDAG_PARAMS_FILE"; echo
      touch made; echo out=1 > "$JETDAG_OUTPUT_FILE"; echo "$HOME:$USER"
      kill -0 $PPID || ls .. || cat /proc/$PPID/environ || echo x > ../x || echo none of it`;
    const { stdout, out } = await run(script);
    const own = `${UID}:${GID}`;
    expect(stdout.split("\n")).toEqual([
      ...[String(UID), String(GID), String(GID), `${own}:700`, `${own}:600`, '{"a":1}', "/:", "none of it"],
    ]);
    expect(out).toBe("1");
  });

  test("a user of this host has a home, and its group", async () => {
    const known = await BashUser.of("nobody");
    const as = new BashTaskExecutor({
      user: known,
      env: { PATH: process.env.PATH, HOME: "/root", USER: "root" },
    });
    const { output } = await as.execute(call('id -un; echo "$USER:$LOGNAME:$HOME"'), context());
    expect(output?.stdout).toBe(`nobody\nnobody:nobody:${known.env.HOME}`);
    expect(known.env.HOME).not.toBe("/root");
  });

  test("a script of its own, in another shell", async () => {
    expect(await run("id -u", { shell: "sh" })).toMatchObject({ stdout: String(UID) });
  });

  test("what only we may read does not become its output", async () => {
    await using folder = await TestFolder.make();
    await chmod(await folder.write("secret", "secret=1\n"), 0o600);
    await chmod(folder.path, 0o755);
    const output = await run(
      `ln -sf ${folder.path}/secret "$JETDAG_OUTPUT_FILE"; ln ${folder.path}/secret here; true`,
    );
    expect(output).not.toHaveProperty("secret");
    expect(output).toMatchObject({ exit_code: 0 });
  });

  test("its folder goes with all that it left there, and nothing that a link leads to", async () => {
    await using folder = await TestFolder.make();
    await chmod(folder.path, 0o777);
    await folder.write("kept", "");
    const { stdout } = await run(`pwd; mkdir -p a/b; touch a/b/c; chmod 0 a; ln -s ${folder.path} link`);
    expect(existsSync(stdout)).toBe(false);
    expect(readdirSync(folder.path)).toEqual(["kept"]);
  });

  test("a bomb, within the number of processes that its user may have", async () => {
    const stop = new AbortController();
    const running = bash.execute(
      call("ulimit -u 100; trap '' TERM; bomb() { bomb | bomb & }; bomb; sleep 1000"),
      context(stop.signal),
    );
    await until(
      () => processesOf(UID).length > 50,
      () => processesOf(UID).length,
    );
    stop.abort();
    expect(await running).toMatchObject({ ok: false });
    expect(processesOf(UID)).toEqual([]);
    expect(await run("echo still here")).toMatchObject({ stdout: "still here" });
  });

  test.each([
    ["no-such-user", "there is no such user on this host"],
    ["no-such-user:1", "there is no such user on this host"],
    ["54321", "no user of this host has that number; write 54321:GID"],
  ])("who cannot be found: %s", async (user, message) => {
    await expect(BashUser.of(user)).rejects.toThrow(`--run-as ${user}: ${message}`);
  });
});

test("whoever is not root is told that it takes root", async () => {
  const getuid = vi.spyOn(process, "getuid").mockReturnValue(1_000);
  try {
    await expect(BashUser.of("nobody")).rejects.toThrow(CannotRunAs);
    await expect(BashUser.of("nobody")).rejects.toThrow(
      "only root can run commands as somebody else, and this is user 1000",
    );
  } finally {
    getuid.mockRestore();
  }
});
