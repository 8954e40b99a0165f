/** Artifacts on a real cluster, from one task to the next. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ArtifactCluster, linesOf, printed } from "../support/artifact-cluster.ts";
import { until } from "../support/until.ts";

let cluster: ArtifactCluster;
beforeAll(async () => {
  cluster = await ArtifactCluster.start();
});
afterAll(async () => cluster[Symbol.asyncDispose]());

const on_a = { queue: "a" };
const on_b = { queue: "b" };
const PARAMS = 'cat "$JETDAG_PARAMS_FILE"';

describe("from one task to the next", () => {
  test("records fan out, go on as files, and come together by origin and all together", async () => {
    const result = await cluster.run([
      { id: "find", type: "function", command: "movies", ...on_a },
      {
        id: "each",
        ...on_b,
        fan_mode: "single",
        depends_on: ["find"],
        command:
          'echo "$JETDAG_PARAM_title by $JETDAG_PARAM_file_name" > a.txt; echo "$JETDAG_PARAM_n" > b.txt',
        outputs: ["*.txt"],
      },
      {
        id: "group",
        ...on_a,
        fan_mode: "grouped",
        depends_on: ["each"],
        // The two files of one movie.
        command: `node -e '
          const fs = require("fs");
          const { artifacts } = JSON.parse(fs.readFileSync(process.env.JETDAG_PARAMS_FILE));
          const text = artifacts.map((each) => fs.readFileSync(each.file_path, "utf8").trim()).join("|");
          fs.writeFileSync(process.env.JETDAG_ARTIFACTS_FILE, JSON.stringify({ metadata: { text } }));'`,
      },
      { id: "all", ...on_b, fan_mode: "aggregate", depends_on: ["group"], command: PARAMS },
    ]);
    const { artifacts } = printed(result, "all") as { artifacts: { metadata: { text: string } }[] };
    expect(artifacts.map(({ metadata }) => metadata.text)).toEqual([
      "movie 0 by m0.mkv|0",
      "movie 1 by m1.mkv|1",
      "movie 2 by m2.mkv|2",
    ]);
    expect(result.tasks).toMatchObject({ find: { output: { count: 3 } }, each: { state: "completed" } });
  });

  test("another worker reads the same bytes, of any size, under a plain name", async () => {
    const result = await cluster.run([
      {
        id: "make",
        ...on_a,
        command:
          "mkdir -p 'out/o d'; head -c 7340033 /dev/urandom > 'out/o d/large.bin'; : > out/empty; sha256sum 'out/o d/large.bin' out/empty | cut -c 1-64",
        outputs: ["out/**"],
      },
      {
        id: "read",
        ...on_b,
        fan_mode: "aggregate",
        depends_on: ["make"],
        command: `node -e '
          const { artifacts } = JSON.parse(require("fs").readFileSync(process.env.JETDAG_PARAMS_FILE));
          console.log(JSON.stringify(artifacts));'; sha256sum $(dirname "$(dirname "$(grep -o '[^"]*/1/empty' "$JETDAG_PARAMS_FILE")")")/*/* | cut -c 1-64 >&2`,
      },
    ]);
    const sums = linesOf(result, "make", "stdout");
    const artifacts = printed(result, "read") as {
      file_path: string;
      file_name: string;
      file_size: number;
    }[];
    expect(artifacts).toMatchObject([
      {
        file_name: "out/empty",
        file_size: 0,
        file_path: expect.stringMatching(/\/b\/.*\/1\/empty$/) as string,
        metadata: {},
      },
      { file_name: "out/o d/large.bin", file_size: 7_340_033, mime_type: "application/octet-stream" },
    ]);
    expect(linesOf(result, "read", "stderr")).toEqual([sums[1], sums[0]]);
    await until(
      async () => (await cluster.leftIn("a")).length === 0 && (await cluster.leftIn("b")).length === 0,
    );
  });

  test("a function hands over a file, and another one reads it", async () => {
    const result = await cluster.run([
      { id: "noise", type: "function", command: "random", params: { bytes: 1_500_000 }, ...on_a },
      { id: "length", type: "function", fan_mode: "single", depends_on: ["noise"], ...on_b },
    ]);
    expect(result.tasks.length).toMatchObject({ state: "completed", output: { bytes: 1_500_000 } });
    expect(result.tasks.length?.output?.file_path).toContain(join(cluster.folder.path, "b"));
  });

  test("through a gate and a filter; bindings know files, metadata, expressions and secrets", async () => {
    const result = await cluster.run(
      [
        {
          id: "make",
          ...on_a,
          command: `echo one > a.csv; echo three > b.csv; echo x > c.txt
            echo '{"path":"a.csv","metadata":{"lang":"en"}}' >> "$JETDAG_ARTIFACTS_FILE"; echo '{"path":"b.csv","metadata":{"lang":"sv"}}' >> "$JETDAG_ARTIFACTS_FILE"`,
          outputs: ["*"],
        },
        { id: "csv", type: "gate", depends_on: ["make"] },
        {
          id: "behind",
          ...on_b,
          depends_on: ["csv"],
          edge_filters: {
            csv: { rules: [{ field: "extension", op: "eq", value: ".csv" }], select: "largest" },
          },
          command: 'cat "$JETDAG_PARAM_file_path"; echo "$JETDAG_PARAM_lang $JETDAG_PARAM_token"',
          bindings: { token: { source: "config", value: "$TOKEN" } },
        },
        {
          id: "bound",
          ...on_b,
          depends_on: ["make"],
          edge_filters: { make: { rules: [{ field: "lang", op: "exists", value: "" }] } },
          fan_mode: "aggregate",
          command: 'cat $JETDAG_PARAM_first; echo "$JETDAG_PARAM_title"',
          bindings: {
            first: { source: "expression", expression: "{make.file_path | first}" },
            title: {
              source: "expression",
              expression: "{make.file_name | last | stem | upper}-{input.year}",
            },
          },
        },
      ],
      { params: { year: 2026 } },
    );
    expect(result.tasks).toMatchObject({
      behind: { state: "completed", output: { stdout: "three\nsv ***" } },
      bound: { state: "completed", output: { stdout: "one\nB-2026" } },
    });
  });

  test("what cannot be handed over fails its task, with the reason, and the next attempt may do better", async () => {
    const result = await cluster.run([
      { id: "outside", ...on_a, command: "ln -s /etc/hostname out.txt", outputs: ["*.txt"] },
      {
        id: "again",
        ...on_a,
        retries: 1,
        retry: { backoff: "none" },
        command: '[ "$JETDAG_ATTEMPT" = 1 ] || echo yes > out.txt',
        outputs: ["out.txt"],
      },
      {
        id: "after",
        ...on_b,
        fan_mode: "single",
        depends_on: ["again"],
        command: 'cat "$JETDAG_PARAM_file_path"',
      },
    ]);
    expect(result.tasks).toMatchObject({
      outside: {
        state: "failed",
        error: {
          reason: "bad-output",
          message: expect.stringContaining(
            'artifact 1 ("out.txt"): the file leads out of the folder of its task: copy it there',
          ) as string,
        },
      },
      again: { state: "completed", attempts: 2 },
      after: { state: "completed", output: { stdout: "yes" } },
    });
  });

  test("ten thousand go in pieces, and one task has all of them", async () => {
    const result = await cluster.run([
      { id: "find", type: "function", command: "movies", params: { count: 10_000 }, ...on_a },
      {
        id: "all",
        ...on_b,
        fan_mode: "aggregate",
        depends_on: ["find"],
        command: `${PARAMS} | wc -c; grep -o movie "$JETDAG_PARAMS_FILE" | wc -l`,
      },
    ]);
    expect(result.tasks.all?.output?.stdout).toMatch(/\n10000$/);
  });
});
