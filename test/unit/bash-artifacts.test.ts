/** What scripts hand over: by patterns and by a manifest, and what a hostile one does with either. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { chmod, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULT_ARTIFACT_LIMITS, type NewArtifact } from "../../internal/core/new-artifact.ts";
import type { TaskReturn } from "../../internal/ports/task-executor.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import { BashUser } from "../../internal/tasks/bash-user.ts";
import { hostFiles } from "../../internal/tasks/host-files.ts";
import { handOver, inline } from "../support/artifact-attempts.ts";
import { commandOf, descendantsOf } from "../support/processes.ts";
import { call, context } from "../support/task-call.ts";
import { until } from "../support/until.ts";

const bash = new BashTaskExecutor();

interface Ran {
  readonly answer: TaskReturn;
  readonly artifacts: readonly NewArtifact[];
  /** Of the attempt. */
  readonly folder: string;
  end(): void;
}

/** Runs a script, up to what its worker would do with it next. */
async function run(
  script: string,
  outputs?: readonly string[],
  { executor = bash, attempt = 1, count = DEFAULT_ARTIFACT_LIMITS.count } = {},
): Promise<Ran> {
  const acts: (() => void)[] = [];
  const around = {
    ...context(),
    artifactLimits: { ...DEFAULT_ARTIFACT_LIMITS, count },
    atEnd: (act: () => void) => void acts.push(act),
  };
  const told = `echo "folder=$JETDAG_ARTIFACTS_DIR" > "$JETDAG_OUTPUT_FILE"; ${script}`;
  const answer = await executor.execute(
    call(told, { attempt, ...(outputs === undefined ? {} : { outputs }) }),
    around,
  );
  const { folder } = answer.output ?? {};
  return {
    answer,
    artifacts: (answer.ok ? answer.artifacts : undefined) ?? [],
    folder: typeof folder === "string" ? folder : "",
    end: () => acts.forEach((act) => act()),
  };
}

const names = ({ artifacts }: Ran): (string | undefined)[] => artifacts.map(({ name }) => name);
const line = (entry: object): string => `echo '${JSON.stringify(entry)}' >> "$JETDAG_ARTIFACTS_FILE"`;
const isGone = ({ folder }: Ran): Promise<true> =>
  until(() => !existsSync(folder) && !existsSync(`${folder}.artifacts`) && (true as const));

describe("outputs", () => {
  test("are found by patterns, in their order and by name, each once", async () => {
    const ran = await run(
      "mkdir -p out/deep .git; touch out/b.csv out/a.csv out/c.txt out/deep/d.csv .git/e.csv report.pdf 'odd\nname.csv'",
      ["report.pdf", "**/*.csv", "out/*"],
    );
    expect(names(ran)).toEqual([
      "report.pdf",
      "odd\nname.csv",
      "out/a.csv",
      "out/b.csv",
      "out/deep/d.csv",
      "out/c.txt",
    ]);
    expect(ran.artifacts.map(({ path }) => path)).toEqual(
      names(ran).map((name) => join(ran.folder, name ?? "")),
    );
    ran.end();
    await isGone(ran);
  });

  test("a pattern that nothing is like hands over nothing; a file that is named has to be there", async () => {
    expect((await run("true", ["out/*.csv"])).answer).toMatchObject({ ok: true, artifacts: [] });
    expect((await run("true", ["report.pdf"])).answer).toMatchObject({
      ok: false,
      error: { reason: "bad-output", message: "it hands over 'report.pdf', and there is no such file" },
    });
  });

  test("a task that fails, or has none, leaves nothing behind", async () => {
    for (const ran of [await run("touch a; exit 3", ["*"]), await run("touch a")]) {
      expect(ran.artifacts).toEqual([]);
      expect(existsSync(ran.folder)).toBe(false);
    }
  });

  test("are kept for as long as the attempt lasts, also of one that has a spawner of its own", async () => {
    for (const attempt of [1, 2]) {
      const ran = await run("echo bytes > a", ["a"], { attempt });
      expect(await readFile(ran.artifacts[0]?.path ?? "", "utf8")).toBe("bytes\n");
      ran.end();
      await isGone(ran);
    }
  });

  test("are removed also when the spawner dies before", async () => {
    for (const attempt of [1, 2]) {
      const spawners = (): number[] =>
        descendantsOf(process.pid).filter((pid) => commandOf(pid).includes("spawner/main.mjs"));
      const before = attempt === 1 ? [] : spawners();
      const ran = await run("echo bytes > a", ["a"], { attempt });
      for (const pid of spawners().filter((each) => !before.includes(each))) process.kill(pid, "SIGKILL");
      await until(
        () => spawners().every((pid) => before.includes(pid)),
        () => ({
          attempt,
          before,
          now: spawners().map((pid) => [pid, readFileSync(`/proc/${pid}/stat`, "utf8")]),
        }),
      );
      expect(existsSync(ran.folder)).toBe(true);
      ran.end();
      await isGone(ran);
    }
  });

  test("more than are allowed are a failure", async () => {
    expect((await run("touch {1..50}", ["*"], { count: 49 })).answer).toMatchObject({
      ok: false,
      error: { reason: "bad-output", message: "it hands over more than 49 files, see --artifact-count" },
    });
    expect(names(await run("touch {1..50}", ["*"], { count: 50 }))).toHaveLength(50);
  });

  test("links are not followed into folders, and lead nowhere else", async () => {
    const ran = await run(
      "mkdir -p real out; echo r > real/a; ln -s ../real out/folder; ln -s ../real/a out/file; ln -s /etc/passwd out/outside; ln -s / out/root; ln -s loop out/loop",
      ["out/**"],
    );
    expect(names(ran)).toEqual(["out/file", "out/loop", "out/outside"]);
    const outcomes = await Promise.all(ran.artifacts.map((each) => handOver([each])));
    expect(inline(outcomes[0] ?? (await handOver([])))[0]?.size).toBe(2);
    expect(outcomes.slice(1)).toMatchObject([
      {
        error: {
          reason: "bad-output",
          message: 'artifact 1 ("out/loop"): the file is a link that leads nowhere',
        },
      },
      {
        error: {
          reason: "bad-output",
          message: 'artifact 1 ("out/outside"): the file leads out of the folder of its task: copy it there',
        },
      },
    ]);
    ran.end();
  });

  test("names that are no text, and folders that never end, are told", async () => {
    expect((await run("touch $'a\\xff'", ["*"])).answer).toMatchObject({
      error: { reason: "bad-output", message: expect.stringContaining("no UTF-8") as string },
    });
    const deep = await run(
      "for i in {1..40}; do mkdir -p $(printf 'd%.0s' {1..200}); cd d*; done; touch end",
      ["**"],
    );
    expect(deep.answer).toMatchObject({
      ok: false,
      error: { reason: "bad-output", message: expect.stringContaining("ENAMETOOLONG") as string },
    });
    deep.end();
    await isGone(deep);
  });
});

describe("a manifest", () => {
  test("tells of files and records, and goes before patterns", async () => {
    const ran = await run(
      `mkdir out; touch out/a out/b; ${line({ path: "out/b", metadata: { n: 1 }, mime_type: "x/y" })}; echo >> "$JETDAG_ARTIFACTS_FILE"
       ${line({ metadata: { n: 2 }, id: "r", origin: null, name: null })}; printf '{"path":"%s/out/../out/a","name":"A"}' "$PWD" >> "$JETDAG_ARTIFACTS_FILE"`,
      ["out/*"],
    );
    const within = { folder: ran.folder };
    expect(ran.artifacts).toEqual([
      { name: "out/b", metadata: { n: 1 }, mimeType: "x/y", path: join(ran.folder, "out/b"), within },
      { metadata: { n: 2 }, id: "r", origin: null },
      { name: "A", path: join(ran.folder, "out/a"), within },
    ]);
    ran.end();
    await isGone(ran);
  });

  test("does without outputs", async () => {
    const ran = await run(line({ metadata: { n: 1 } }));
    expect(ran.artifacts).toEqual([{ metadata: { n: 1 } }]);
    ran.end();
    await isGone(ran);
  });

  test.each([
    ["no JSON", "echo '{a' >> FILE", "line 1 of the manifest: is no JSON: {a"],
    ["no object", "echo '{}' >> FILE; echo '[1]' >> FILE", "line 2 of the manifest: must be a JSON object"],
    [
      "an unknown field",
      "echo '{\"mimeType\":1}' >> FILE",
      "unknown field 'mimeType'; use path, name, mime_type",
    ],
    ["no metadata", 'echo \'{"metadata":"a"}\' >> FILE', "metadata: must be a map"],
    ["a type that is none", "echo '{\"mime_type\":1}' >> FILE", "mime_type: must be text"],
    ["a path that leaves the folder", 'echo \'{"path":"../x"}\' >> FILE', "path: '../x' is not in /"],
    ["another folder", 'echo \'{"path":"/etc/passwd"}\' >> FILE', "path: '/etc/passwd' is not in /"],
    ["the folder itself", 'echo \'{"path":"."}\' >> FILE', "path: '.' is not in /"],
    ["a path with NUL", 'echo \'{"path":"a\\u0000b"}\' >> FILE', "is not in /"],
    [
      "a file that is not there",
      'echo \'{"path":"x"}\' >> FILE',
      "it hands over 'x', and there is no such file",
    ],
    ["a folder in its place", "mkdir -p FILE", "the manifest is a folder, and no file"],
    ["a link in its place", "ln -s /etc/passwd FILE", "the manifest leads out of"],
    ["a pipe in its place", "rm -f FILE; mkfifo FILE", ""],
    [
      "a line without an end",
      "head -c 600000 /dev/zero | tr '\\0' '[' > FILE",
      "line 1 of the manifest: has 600000 characters; at most 524288 are allowed",
    ],
    ["bytes without an end", "truncate -s 40M FILE", "the manifest has more than 33554432 bytes"],
  ])("%s", async (_name, script, message) => {
    const ran = await run(
      script.replaceAll("FILE", '"$JETDAG_ARTIFACTS_FILE"'),
      message === "" ? ["*"] : undefined,
    );
    expect(ran.answer).toMatchObject({
      ok: false,
      error: { reason: "bad-output", message: expect.stringContaining(message) as string },
    });
    ran.end();
    await isGone(ran);
  });

  test("a hundred thousand lines are read, and one more than allowed is not", async () => {
    const script = `for ((i = 0; i < 20; i++)); do printf '{"metadata":{"n":%d}}\\n' {1..5000} >> "$JETDAG_ARTIFACTS_FILE"; done`;
    expect((await run(script)).artifacts).toHaveLength(100_000);
    expect((await run(script, undefined, { count: 99_999 })).answer).toMatchObject({
      error: {
        reason: "bad-output",
        message: "the manifest has more than 99999 artifacts, see --artifact-count",
      },
    });
  });

  test("a pipe among the files, one that vanishes and one that grows", async () => {
    const ran = await run("mkfifo pipe; echo v > vanishes; echo g > grows", ["*"]);
    expect(names(ran)).toEqual(["grows", "pipe", "vanishes"]);
    const [grows, pipe, vanishes] = ran.artifacts;
    execFileSync("rm", [vanishes?.path ?? ""]);
    const why = async (artifact: NewArtifact | undefined): Promise<unknown> => {
      const outcome = await handOver(artifact === undefined ? [] : [artifact]);
      return outcome.state === "failed" ? outcome.error : outcome.state;
    };
    expect(await why(pipe)).toEqual({
      reason: "bad-output",
      message: 'artifact 1 ("pipe"): the file is no plain file',
    });
    expect(await why(vanishes)).toEqual({
      reason: "bad-output",
      message: 'artifact 1 ("vanishes"): the file is not there',
    });
    expect(await why(grows)).toBe("completed");
    ran.end();
    await isGone(ran);
  });
});

describe.skipIf(process.getuid?.() !== 0)("as somebody else", () => {
  const user = BashUser.of("54321:54322");

  test("hands over what is its own, and nothing that only root may read", async () => {
    const executor = new BashTaskExecutor({ user: await user });
    const ran = await run(
      `echo own > own; ln -s /etc/shadow shadow; ${line({ path: "own", metadata: { n: 1 } })}`,
      ["*"],
      { executor },
    );
    expect(names(ran)).toEqual(["own", "shadow"]);
    expect(inline(await handOver(ran.artifacts.slice(0, 1)))[0]).toMatchObject({
      size: 4,
      metadata: { n: 1 },
    });
    expect(await handOver(ran.artifacts.slice(1))).toMatchObject({ error: { reason: "bad-output" } });
    // Somebody has put another's file in its place.
    const [own] = ran.artifacts;
    execFileSync("cp", ["--remove-destination", "/etc/shadow", own?.path ?? ""]);
    expect(await handOver(ran.artifacts.slice(0, 1))).toMatchObject({
      error: {
        reason: "bad-output",
        message: expect.stringContaining("belongs to somebody other than its task") as string,
      },
    });
    ran.end();
    await isGone(ran);
  });

  test("reads the files that it is given, and can neither change nor replace them", async () => {
    const executor = new BashTaskExecutor({ user: await user });
    const folder = await hostFiles.makeFolder(executor.seesFiles.reader);
    const bytes = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("given");
    };
    await folder.write("1/a.txt", bytes());
    const path = join(folder.path, "1/a.txt");
    const { answer } = await run(
      `cat ${path}; echo x > ${path} || rm -f ${path} || mv ${dirname(path)} ${folder.path}/2 || chmod 777 ${folder.path} || echo ', cannot'`,
      undefined,
      { executor },
    );
    expect(answer.output).toMatchObject({ stdout: "given, cannot" });
    const other = new BashTaskExecutor({ user: await BashUser.of("54399:54399") });
    expect(
      (await run(`cat ${path} || ls ${folder.path} || echo none`, undefined, { executor: other })).answer
        .output,
    ).toMatchObject({ stdout: "none" });
    await folder.remove();
    expect(existsSync(folder.path)).toBe(false);
  });
});

test("a folder of files goes with all that is in it", async () => {
  const folder = await hostFiles.makeFolder();
  await mkdir(join(folder.path, "1"));
  await chmod(join(folder.path, "1"), 0o500);
  await folder.remove();
  expect(existsSync(folder.path)).toBe(false);
  expect(readdirSync(dirname(folder.path))).not.toContain(folder.path);
});
