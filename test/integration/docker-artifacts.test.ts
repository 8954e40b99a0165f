/** What docker tasks are given and hand over, on a real engine. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_ARTIFACT_LIMITS, type NewArtifact } from "../../internal/core/new-artifact.ts";
import type { TaskCall, TaskReturn } from "../../internal/ports/task-executor.ts";
import type { DockerTaskExecutor } from "../../internal/tasks/docker.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { allGone, callOf, contextOf, openExecutor, TASK_IMAGE } from "../support/docker.ts";
import { dag } from "../support/programs.ts";
import { until } from "../support/until.ts";

describe.runIf(TASK_IMAGE !== undefined)("artifacts of a docker task", () => {
  let executor: DockerTaskExecutor;
  beforeAll(async () => {
    executor = await openExecutor();
    if (executor.whyNotReady !== undefined) throw new Error(executor.whyNotReady);
  });
  afterAll(() => executor.close());

  interface Ran {
    readonly answer: TaskReturn;
    readonly artifacts: readonly NewArtifact[];
    end(): void;
  }

  async function run(
    command: string,
    more: Partial<TaskCall> = {},
    limits = DEFAULT_ARTIFACT_LIMITS,
  ): Promise<Ran> {
    const acts: (() => void)[] = [];
    const call = callOf(command, more);
    const answer = await executor.execute(
      call,
      contextOf({ artifactLimits: limits, atEnd: (act) => void acts.push(act) }),
    );
    await allGone(call.runId);
    const artifacts = (answer.ok ? answer.artifacts : undefined) ?? [];
    return { answer, artifacts, end: () => acts.forEach((act) => act()) };
  }

  const bytesOf = async ({ path = "" }: NewArtifact): Promise<string> => readFile(path, "utf8");

  test("are found by patterns and by a manifest, and are files of this host until the attempt is over", async () => {
    const ran = await run(
      `cd "$JETDAG_ARTIFACTS_DIR"; mkdir -p out; echo a > out/a.csv; echo b > out/b.csv; echo no > out/c.txt
       printf '{"path":"out/b.csv","metadata":{"n":1}}\\n{"metadata":{"n":2}}\\n' > "$JETDAG_ARTIFACTS_FILE"; echo done=yes > "$JETDAG_OUTPUT_FILE"`,
      { outputs: ["**/*.csv"], options: { user: 1_000, read_only: true } },
    );
    expect(ran.answer).toMatchObject({ ok: true, output: { done: "yes", exit_code: 0 } });
    expect(ran.artifacts).toEqual([
      { name: "out/b.csv", metadata: { n: 1 }, path: expect.any(String) as string },
      { metadata: { n: 2 } },
      { name: "out/a.csv", path: expect.any(String) as string },
    ]);
    const [b, , a] = ran.artifacts;
    expect(await Promise.all([a, b].map(async (each) => each && bytesOf(each)))).toEqual(["a\n", "b\n"]);
    ran.end();
    await until(() => !existsSync(a?.path ?? ""));
  });

  test("a task without any costs no folder", async () => {
    const ran = await run("echo x > $JETDAG_ARTIFACTS_DIR/a");
    expect(ran.answer).toEqual({ ok: true, output: { stdout: "", stderr: "", exit_code: 0 } });
  });

  test.each([
    ["a link", "ln -s /etc/passwd a", "it hands over 'a', and a link or a device cannot be had"],
    ["a hard link", "echo x > a; ln a b", "a link or a device cannot be had"],
    ["a pipe", "mkfifo a", "a link or a device cannot be had"],
    ["what is not there", "true", "it hands over 'a', and there is no such file"],
    [
      "too many",
      "for i in 1 2 3 4; do echo > $i; done",
      "it hands over more than 3 files, see --artifact-count",
    ],
    ["too much", "dd if=/dev/zero of=a bs=1024 count=3", "its files have more than 2048 bytes together"],
    [
      "a manifest that is none",
      "echo nonsense > $JETDAG_ARTIFACTS_FILE",
      "line 1 of the manifest: is no JSON: nonsense",
    ],
    ["a manifest that is a link", "ln -sf /etc/passwd $JETDAG_ARTIFACTS_FILE", "the manifest is no file"],
    [
      "a path that leads out",
      `echo '{"path":"../x"}' > $JETDAG_ARTIFACTS_FILE`,
      "is not in /jetdag/artifacts",
    ],
  ])("%s is a failure", async (_name, command, message) => {
    const limits = { count: 3, bytes: 2_048 };
    const { answer, end } = await run(
      `cd $JETDAG_ARTIFACTS_DIR; ${command}`,
      { outputs: ["*", "a"] },
      limits,
    );
    expect(answer).toMatchObject({
      ok: false,
      error: { reason: "bad-output", message: expect.stringContaining(message) as string },
    });
    end();
  });

  test("an odd name, and more than fits into one piece", async () => {
    const ran = await run(
      `cd $JETDAG_ARTIFACTS_DIR; printf x > "$(printf 'a\\nb')"; dd if=/dev/zero of=${"n".repeat(200)} bs=1024 count=3000 2>/dev/null`,
      { outputs: ["*"] },
    );
    expect(ran.artifacts.map(({ name }) => name)).toEqual(["a\nb", "n".repeat(200)]);
    expect((await readFile(ran.artifacts[1]?.path ?? "")).length).toBe(3_072_000);
    ran.end();
  });

  test("files that it is given are where it is told, readable for any user and read-only", async () => {
    const folder = await hostFiles.makeFolder();
    const write = (path: string, text: string): Promise<void> =>
      folder.write(
        path,
        (async function* () {
          yield Buffer.from(text);
        })(),
      );
    await write("1/a.txt", "first");
    await write(`2/${"é".repeat(90)}.txt`, "second");
    const at = executor.seesFiles.at ?? "";
    const { answer } = await run(
      `cat ${at}/1/a.txt ${at}/2/*.txt; ls ${at}; echo x > ${at}/1/a.txt || echo cannot; ls -ld ${at}`,
      { artifactFolder: folder.path, options: { user: 1_000 } },
    );
    expect(answer).toMatchObject({ ok: true });
    expect(answer.output?.stdout).toMatch(/^firstsecond1\n2\ncannot\ndrwxr-xr-x /);
    await folder.remove();
  });

  test("the example of the page of artifacts, from a script to containers and from one to the next", async () => {
    const file = new URL("../../examples/artifacts/containers.yaml", import.meta.url).pathname;
    const ran = await dag(["run", file, "--docker", "--docker-image", TASK_IMAGE ?? "", "--json"]);
    expect(ran.code).toBe(0);
    const { tasks } = JSON.parse(ran.stdout) as { tasks: Record<string, object> };
    expect(tasks.sum).toMatchObject({ output: { stdout: "6" } });
  });
});
