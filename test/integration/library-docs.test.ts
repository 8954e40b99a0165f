/** Does docs/library.md tell the truth? Its code is files that run here, and it names every option and field. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestServer } from "../support/nats-server.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);
const read = (path: string): Promise<string> => readFile(`${ROOT}${path}`, "utf8");

/** Each example, and what it prints. */
const EXAMPLES: Readonly<Record<string, string>> = {
  "library.mjs": "completed { loaded: 42 }\n",
  "distributed.mjs": "completed hello\ncompleted\n",
  "results.mjs": `failed
  fetch failed 1 exit-nonzero
  load upstream_failed 0 ${""}
  clean completed 1 ${""}
3 no disk left
true
true tasks: there is no task: at least one is needed
accepted cancelled
`,
  "builder.mjs": `completed { region: 'north', rows: 42 } { region: 'south', rows: 42 }
name: etl
timeout: 1h
max_parallel: 4
tasks:
  - id: extract
    type: bash
    command: echo rows=42 > $JETDAG_OUTPUT_FILE
    retries: 3
    timeout: 10m
  - id: load
    type: function
    command: load
    depends_on:
      - extract
  - id: report-north
    type: function
    command: report
    depends_on:
      - load
    params:
      region: north
  - id: report-south
    type: function
    command: report
    depends_on:
      - load
    params:
      region: south

`,
  "functions.mjs": "{ words: 3 } { result: 6 } 2 timed-out\n",
  "task-executor.mjs": `failed { said: 'HELLO!!!' } {
  reason: 'bad-input',
  message: "Task 'nothing' failed after 1 attempt: nothing to shout"
}
`,
  "graph.mjs": `roots: [ 'check', 'rates' ]
leaves: [ 'report' ]
before convert: [ 'check', 'rates', 'by_shop' ]
after by_shop: [ 'convert', 'report' ]
at the same time: [
  [ 'check', 'rates' ],
  [ 'by_shop', 'by_product', 'flaky' ],
  [ 'convert' ],
  [ 'report' ]
]
critical: [ 'check', 'flaky', 'report' ] 420 s
check starts at 0 s, slack 0 s
rates starts at 0 s, slack 240 s
by_shop starts at 60 s, slack 180 s
by_product starts at 60 s, slack 240 s
flaky starts at 60 s, slack 0 s
convert starts at 120 s, slack 180 s
report starts at 360 s, slack 0 s
`,
};

describe("the examples", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("are the page's blocks of code, all of them", async () => {
    const page = await read("docs/library.md");
    const blocks = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => [
      language,
      code,
    ]);
    const files = await Promise.all(Object.keys(EXAMPLES).map((name) => read(`examples/${name}`)));
    expect(blocks).toEqual(files.map((code) => ["js", code]));
  });

  test.each(Object.entries(EXAMPLES))("%s does what it says", async (name, printed) => {
    const { stdout } = await run(process.execPath, [`${ROOT}examples/${name}`, server.url], {
      cwd: ROOT,
      timeout: 60_000,
    });
    expect(stdout).toBe(printed);
  });
});

test.each([
  ["cmd/library/options.ts", ["ExecutorOptions"]],
  ["cmd/library/distributed.ts", ["DistributedOptions"]],
  ["cmd/library/library-executor.ts", ["DagRun", "LogsOptions"]],
  ["cmd/library/definition-options.ts", ["DagOptions", "TaskOptions", "RetryOptions"]],
  ["cmd/library/dag-graph.ts", ["TaskTiming", "CriticalPath"]],
  ["internal/core/result.ts", ["RunResult", "InstanceResult", "TaskResult"]],
  ["internal/executor/executor.ts", ["RetryHandle", "RetriedTask"]],
  ["internal/core/attempt.ts", ["AttemptId"]],
  ["internal/ports/task-executor.ts", ["FunctionContext"]],
])("the page names every field of %s", async (file, interfaces) => {
  const [page, source] = await Promise.all([read("docs/library.md"), read(file)]);
  const words = new Set([...page.matchAll(/`[^`\n]+`/g)].flatMap(([code]) => code.match(/\w+/g) ?? []));
  for (const name of interfaces) {
    const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, "m").exec(source)?.[1];
    const fields = [...(body ?? "").matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field]) => field);
    expect(fields.length, name).toBeGreaterThan(0);
    expect(fields.filter((field) => !words.has(field ?? ""))).toEqual([]);
  }
});
