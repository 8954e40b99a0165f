/** Docker tasks on a real engine: what a command finds and gives, what its container may do, how attempts end. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import type { DockerTaskExecutor } from "../../internal/tasks/docker.ts";
import {
  allGone,
  callOf,
  containerOf,
  containersOf,
  contextOf,
  docker,
  openExecutor,
  perform,
  TASK_IMAGE,
} from "../support/docker.ts";
import { TestFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

describe.runIf(TASK_IMAGE !== undefined)("a docker task", () => {
  let executor: DockerTaskExecutor;

  beforeAll(async () => {
    executor = await openExecutor();
    if (executor.whyNotReady !== undefined) throw new Error(executor.whyNotReady);
  });
  afterAll(() => executor.close());

  const run = async (command: string, more = {}): Promise<TaskReturn> => perform(executor, command, more);

  describe("finds and gives what a bash task does", () => {
    test("its params by variable and file, its own variables, and who it is", async () => {
      const call = callOf(
        'echo "$JETDAG_PARAM_city $MODE $JETDAG_IDEMPOTENCY_KEY"; cat "$JETDAG_PARAMS_FILE"; echo "${NATS_URL-none}" >&2',
        { params: { city: "a; b $(c) 'd'", deep: { x: [1] } }, env: { MODE: "full" } },
      );
      const { params } = call;
      expect(await executor.execute(call, contextOf())).toEqual({
        ok: true,
        output: {
          stdout: `a; b $(c) 'd' full ${call.runId}.t.0.1\n${JSON.stringify(params)}`,
          stderr: "none",
          exit_code: 0,
        },
      });
      expect(await containersOf(call.runId)).toEqual([]);
    });

    test("nothing of the worker's own environment", async () => {
      vi.stubEnv("JETDAG_SECRET_TOKEN", "s3cr3t-t0k3n");
      vi.stubEnv("OF_THE_WORKER", "here");
      const { output } = await run("env", { env: { MODE: "full" } });
      vi.unstubAllEnvs();
      expect(output?.stdout).toContain("MODE=full");
      expect(output?.stdout).not.toMatch(/OF_THE_WORKER|JETDAG_SECRET/);
    });

    test.each([
      [
        "lines",
        "echo A=1 >>$JETDAG_OUTPUT_FILE; echo 'B=x=\"y\"' >>$JETDAG_OUTPUT_FILE",
        { A: "1", B: 'x="y"' },
      ],
      ["JSON", `echo '{"rows": [1, null]}' >$JETDAG_OUTPUT_FILE`, { rows: [1, null] }],
      [
        "another file in its place",
        "echo A=2 >$JETDAG_OUTPUT_FILE.new; mv $JETDAG_OUTPUT_FILE.new $JETDAG_OUTPUT_FILE",
        { A: "2" },
      ],
      ["nothing, and no file", "rm $JETDAG_OUTPUT_FILE", {}],
    ])("its output file: %s", async (_name, command, written) => {
      expect(await run(command)).toEqual({
        ok: true,
        output: { ...written, stdout: "", stderr: "", exit_code: 0 },
      });
    });

    test.each([
      ["is no file", "rm $JETDAG_OUTPUT_FILE; mkdir $JETDAG_OUTPUT_FILE"],
      ["is no file", "ln -sf /etc/passwd $JETDAG_OUTPUT_FILE"],
      ["is no file", "rm $JETDAG_OUTPUT_FILE; mkfifo $JETDAG_OUTPUT_FILE"],
      ["has 2097152 bytes; at most 1048576", "head -c 2097152 /dev/zero >$JETDAG_OUTPUT_FILE"],
      // Engines would send all its zeros.
      ["has 1073741824 bytes", "truncate -s 1073741824 $JETDAG_OUTPUT_FILE"],
      ["line 1 of the output file", "echo nothing >$JETDAG_OUTPUT_FILE"],
    ])("an output file that %s", async (message, command) => {
      const result = await run(command);
      expect(result).toMatchObject({ ok: false, error: { reason: "bad-output" } });
      expect(result.ok ? "" : result.error.message).toContain(message);
    });

    test("what it prints as it comes, stdout and stderr apart, whatever it is", async () => {
      const printed: string[] = [];
      const call = callOf("printf 'a\\303'; printf 'x\\0y' >&2; cat; printf '\\n'; echo end");
      const context = contextOf({
        print: (stream, bytes) => printed.push(`${stream}:${Buffer.from(bytes).toString("latin1")}`),
      });
      expect(await executor.execute(call, context)).toEqual({
        ok: true,
        output: { stdout: "a\uFFFD\nend", stderr: "x\0y", exit_code: 0 },
      });
      const of = (stream: string): string =>
        printed.flatMap((each) => (each.startsWith(stream) ? each.slice(stream.length + 1) : [])).join("");
      expect([of("stdout"), of("stderr")]).toEqual(["a\xc3\nend\n", "x\0y"]);
    });

    test("an output without end is cut, and does not fill the memory", async () => {
      const before = process.memoryUsage().rss;
      let most = 0;
      const call = callOf("head -c 300000000 /dev/zero | tr '\\0' x; echo; echo end");
      const context = contextOf({
        print: () => {
          most = Math.max(most, process.memoryUsage.rss());
        },
      });
      const result = await executor.execute(call, context);
      expect(result).toMatchObject({ ok: true, output: { stdout_truncated: true, exit_code: 0 } });
      expect(result.output?.stdout).toMatch(/^x+\n\[… 298951429 bytes cut …\]\nx+\nend$/);
      expect(most - before).toBeLessThan(150_000_000);
    });
  });

  describe("ends as its command ends", () => {
    test.each([
      ["echo no >&2; exit 7", "exit code 7: no", 7],
      ["no-such-program", "exit code 127: sh: no-such-program: not found", 127],
      ["exec >&- 2>&-; sleep 0.3; exit 5", "exit code 5", 5],
      ["kill -9 $$", "exit code 137", 137],
    ])("%s", async (command, message, exitCode) => {
      expect(await run(command)).toMatchObject({
        ok: false,
        error: { reason: "exit-nonzero", message, exitCode },
        output: { exit_code: exitCode },
      });
    });

    test("out of memory", async () => {
      expect(await run("x=a; while true; do x=$x$x; done", { options: { memory_mb: 16 } })).toMatchObject({
        ok: false,
        error: { reason: "out-of-memory", message: "out of memory: it may use 16 MiB, see memory_mb" },
      });
    });

    test("children that it leaves behind end with it", async () => {
      const result = await run(
        "(trap '' TERM HUP; while true; do echo still here; sleep 0.1; done) & echo gone",
      );
      expect(result).toMatchObject({ ok: true, output: { exit_code: 0 } });
    });

    test("a fork bomb harms nobody but itself", async () => {
      const call = callOf("b() { b | b & }; b; sleep 1; exit 3", {
        options: { pids_limit: 32, memory_mb: 64 },
      });
      const ended = await executor.execute(call, contextOf({ graceMs: 100 }));
      expect(ended.ok).toBe(false);
      expect(await containersOf(call.runId)).toEqual([]);
    });
  });

  describe("has a container", () => {
    const inspected = async (command: string, options = {}): Promise<Record<string, unknown>> => {
      const controller = new AbortController();
      const call = callOf(command, { options });
      const running = executor.execute(call, contextOf({ signal: controller.signal, graceMs: 0 }));
      const name = await containerOf(call.runId);
      const found = JSON.parse(await docker("inspect", name)) as [Record<string, unknown>];
      controller.abort();
      await running;
      return found[0];
    };

    test("that may do little by default", async () => {
      const { HostConfig, Config } = await inspected("sleep 60");
      expect(HostConfig).toMatchObject({
        Privileged: false,
        CapAdd: null,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        NetworkMode: "bridge",
        PidMode: "",
        IpcMode: "private",
        UsernsMode: "",
        Memory: 1_024 * 1_024 * 1_024,
        MemorySwap: 1_024 * 1_024 * 1_024,
        PidsLimit: 1_024,
        CpuQuota: 0,
        Init: true,
        Binds: null,
        Devices: null,
        AutoRemove: false,
      });
      expect(Config).toMatchObject({
        Labels: { "jetdag.task": "t", "jetdag.index": "0", "jetdag.attempt": "1", "jetdag.worker": "test" },
      });
    });

    test("that may do what it asks for", async () => {
      const { HostConfig, Config } = await inspected("sleep 60", {
        memory_mb: 64,
        cpu_quota: 150,
        pids_limit: 20,
        network: "none",
        read_only: true,
        tmpfs: { "/scratch": 8 },
        labels: { team: "data" },
        user: 1_000,
        working_dir: "/bin",
      });
      expect(HostConfig).toMatchObject({
        Memory: 64 * 1_024 * 1_024,
        CpuPeriod: 100_000,
        CpuQuota: 150_000,
        PidsLimit: 20,
        NetworkMode: "none",
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
      });
      expect(Config).toMatchObject({ User: "1000", WorkingDir: "/bin", Labels: { team: "data" } });
    });

    test("whose root cannot be written to, but what is its own can", async () => {
      const options = { read_only: true, tmpfs: { "/scratch": 8 }, user: "1000:1000" };
      const command =
        "touch /x || true; echo >/scratch/y; echo >$JETDAG_OUTPUT_FILE.x; head -c 9000000 /dev/zero >/scratch/y || echo id=$(id -u):$(id -g) >$JETDAG_OUTPUT_FILE";
      const result = await run(command, { options });
      expect(result).toMatchObject({ ok: true, output: { id: "1000:1000" } });
      expect(result.output?.stderr).toMatch(/Read-only file system/);
    });

    test("without rights, also as root", async () => {
      const result = await run(
        "grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status; mount -t tmpfs x /tmp; id -u",
      );
      expect(result.output?.stdout).toMatch(/^CapEff:\t0+\nCapBnd:\t0+\nNoNewPrivs:\t1\n0$/);
    });

    test.each([
      [["echo", "-n"], "a  b", "a  b"],
      [["echo", "by itself"], "", "by itself"],
      [[], "echo $0", "sh"],
    ])("with the entry point %j, where none is that of the image", async (entrypoint, command, stdout) => {
      expect(await run(command, { options: { entrypoint } })).toMatchObject({ ok: true, output: { stdout } });
    });

    test("that can be kept, and is found by its labels", async () => {
      const call = callOf("echo kept; exit 4", { options: { remove_on_exit: false } });
      expect(await executor.execute(call, contextOf())).toMatchObject({ error: { exitCode: 4 } });
      const name = await containerOf(call.runId);
      try {
        expect(await docker("inspect", "--format", "{{.State.Status}}", name)).toBe("exited");
        expect(await docker("logs", name)).toBe("kept");
      } finally {
        await docker("rm", "--force", "--volumes", name);
      }
    });

    test("in the JSON form, too", async () => {
      await using folder = await TestFolder.make();
      await folder.write("in", "data");
      const own = await openExecutor({ dockerImage: "no-such-image", allowMount: [`${folder.path}:ro`] });
      const form = {
        image: TASK_IMAGE,
        command: 'echo "$(cat /in/in) $CITY $PWD"',
        env: { CITY: "x" },
        volumes: [`${folder.path}:/in:ro`],
        working_dir: "/bin",
        network: "none",
        memory_mb: 64,
        cpu_quota: 50,
        remove_on_exit: true,
      };
      const result = await perform(own, JSON.stringify(form));
      own.close();
      expect(result).toMatchObject({ ok: true, output: { stdout: "data x /bin" } });
    });

    test("not if the JSON form is broken", async () => {
      expect(await run('{"command": "touch /x"')).toMatchObject({ error: { reason: "bad-input" } });
      expect(await run("{ echo x; }")).toMatchObject({ error: { reason: "bad-input" } });
    });

    test.each([
      ["a user that the image does not have", { user: "nobody-there" }, "spawn-failed"],
      ["an entry point that is a folder", { entrypoint: ["/bin"] }, "exit-nonzero"],
      ["a GPU that is not there", { gpus: 1 }, "spawn-failed"],
      ["an image that is not there", { image: "no/such:1", pull: "never" }, "image-missing"],
      ["a network that is not there", { network: "no-such-net" }, "bad-input"],
    ])("not with %s", async (_name, options, reason) => {
      const call = callOf("true", { options });
      expect(await executor.execute(call, contextOf())).toMatchObject({ ok: false, error: { reason } });
      expect(await containersOf(call.runId)).toEqual([]);
    });
  });

  describe("that has to end", () => {
    test("is told by SIGTERM, and has time", async () => {
      const controller = new AbortController();
      const call = callOf("trap 'echo told; exit 0' TERM; echo ready; while true; do sleep 0.1; done");
      const context = contextOf({ signal: controller.signal, print: () => controller.abort() });
      expect(await executor.execute(call, context)).toMatchObject({
        error: { reason: "cancelled" },
        output: { stdout: "ready\ntold", exit_code: 0 },
      });
      expect(await containersOf(call.runId)).toEqual([]);
    });

    test("is killed when it does not listen", async () => {
      const controller = new AbortController();
      const call = callOf("trap '' TERM; echo ready; while true; do sleep 0.1; done");
      const context = contextOf({ signal: controller.signal, graceMs: 200, print: () => controller.abort() });
      expect(await executor.execute(call, context)).toMatchObject({
        error: { reason: "cancelled" },
        output: { exit_code: 137 },
      });
      expect(await containersOf(call.runId)).toEqual([]);
    });

    test("leaves nothing, at whatever moment it is told", async () => {
      const calls = Array.from({ length: 12 }, (_, i) => ({ call: callOf("sleep 60"), afterMs: i * 40 }));
      for (const { call, afterMs } of calls) {
        const context = contextOf({ signal: AbortSignal.timeout(afterMs), graceMs: 0 });
        const result = await executor.execute(call, context);
        expect(result).toMatchObject({ ok: false, error: { reason: "cancelled" } });
        expect(await containersOf(call.runId)).toEqual([]);
      }
    });

    test("does not begin at all when it is told before", async () => {
      const call = callOf("true");
      const result = await executor.execute(call, contextOf({ signal: AbortSignal.abort() }));
      expect(result).toMatchObject({ error: { reason: "cancelled" } });
      await allGone(call.runId);
    });
  });

  test("the volumes of containers go with them", async () => {
    const volumes = async (): Promise<string[]> => (await docker("volume", "ls", "--quiet")).split("\n");
    const before = new Set(await volumes());
    const call = callOf("sleep 60");
    const controller = new AbortController();
    const running = executor.execute(call, contextOf({ signal: controller.signal, graceMs: 0 }));
    const name = await containerOf(call.runId);
    const format = '{{range .Mounts}}{{if eq .Destination "/jetdag"}}{{.Name}}{{end}}{{end}}';
    const own = await until(async () => (await docker("inspect", "--format", format, name)) || undefined);
    expect(before.has(own)).toBe(false);
    controller.abort();
    await running;
    expect(await volumes()).not.toContain(own);
  });
});
