import { execFile } from "node:child_process";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestHttp } from "../support/http-servers.ts";
import { dag } from "../support/programs.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const run = promisify(execFile);

test("the README's library example is the file in examples/, and does what it says", async () => {
  const [readme, example] = await Promise.all([
    readFile(`${ROOT}README.md`, "utf8"),
    readFile(`${ROOT}examples/library.mjs`, "utf8"),
  ]);
  expect(/```js\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(example);
  const { stdout } = await run(process.execPath, [`${ROOT}examples/library.mjs`], {
    cwd: ROOT,
    timeout: 60_000,
  });
  expect(stdout).toBe("completed { loaded: 42 }\n");
});

test("npm start's program: a real cluster, the example run to its end, in a pipe, and nothing left of it", async () => {
  await using folder = await TestFolder.make();
  const { stdout } = await run(process.execPath, [`${ROOT}dist/cmd/demo/main.js`], {
    cwd: ROOT,
    timeout: 80_000,
    env: { ...process.env, TMPDIR: folder.path },
  });
  const port = Number(/ at nats:\/\/127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]);
  expect(await refuses(port)).toBe(true);
  expect(await readdir(folder.path)).toEqual([]);
  expect(stdout).toContain("DAG EXECUTION COMPLETE\nDAG: quickstart\n");
  expect(stdout).toContain("flaky failed after");
  expect(stdout).toContain('"bad_rows": 3');
  expect(stdout).toContain("What to try next:");
  expect(stdout).not.toContain("\u001B[");
});

test("the functions of the page of task types", async () => {
  const folder = `${ROOT}examples/task-types`;
  const run = await dag([
    "run",
    `${folder}/functions.yaml`,
    "--functions",
    `${folder}/functions.mjs`,
    "--json",
  ]);
  const { tasks } = JSON.parse(run.stdout) as { tasks: Record<string, { output: unknown }> };
  expect([tasks.count?.output, tasks.price?.output]).toEqual([{ words: 3 }, { total: 9 }]);
  expect(run.stderr).toMatch(
    /^price: progress 50 %: looking up the rate\nprice: \S+\.price\.0\.1 has \d+ s left\n$/,
  );
  const wrong = await dag([
    ...["run", `${folder}/functions.yaml`, "--functions", `${folder}/functions.mjs`],
    ...["--param", "text=", "--json"],
  ]);
  expect(JSON.parse(wrong.stdout)).toMatchObject({
    tasks: { price: { state: "completed", output: { total: 3 } } },
  });
});

test("the example of the page of artifacts", async () => {
  const folder = `${ROOT}examples/artifacts`;
  const run = await dag(["run", `${folder}/weather.yaml`, "--functions", `${folder}/weather.mjs`, "--json"]);
  const { tasks } = JSON.parse(run.stdout) as { tasks: Record<string, { output: object | null }> };
  expect(tasks.bulletin?.output).toEqual({ forecasts: 3 });
  expect(tasks.publish?.output).toMatchObject({
    stdout: "MONDAY\nMalmö: sunny\nOslo: sunny\nTurku: sunny",
  });
});

test("the files of the page of artifacts: chosen, taken one by one, by origin and together", async () => {
  const { code, stdout } = await dag(["run", `${ROOT}examples/artifacts/reports.yaml`, "--json"]);
  expect(code).toBe(0);
  interface Ran {
    readonly output: { readonly stdout: string };
    readonly artifacts?: readonly { readonly file_name: string; readonly file_size: number }[];
    readonly instances?: readonly Ran[];
  }
  const { tasks } = JSON.parse(stdout) as { tasks: Record<string, Ran> };
  const named = (all: Ran["artifacts"]): string[] | undefined => all?.map((each) => each.file_name);
  const cities = ["malmo", "oslo", "turku"].map((city) => `out/${city}.csv`);
  expect(named(tasks.export?.artifacts)).toEqual([
    cities[0],
    "out/notes.txt",
    ...cities.slice(1),
    "out/visby.csv",
  ]);
  expect(tasks.total?.instances).toHaveLength(3);
  expect(tasks.pair?.instances?.map(({ output }) => output.stdout)).toEqual([
    ...cities.map((file) => `${file}, total.txt`),
    "out/visby.csv",
  ]);
  expect(tasks.report?.output.stdout).toBe("malmo 42\noslo 42\nturku 42");
  expect(tasks.report?.artifacts).toMatchObject([{ file_name: "report.txt", file_size: 26 }]);
});

test("the example of the page of expressions", async () => {
  const folder = `${ROOT}examples/artifacts`;
  const got: unknown[] = [];
  await using board = await TestHttp.http((request, response) => {
    const { url, headers } = request;
    let body = "";
    request.on("data", (part: Buffer) => void (body += part.toString()));
    request.on("end", () => {
      got.push([url, headers["x-day"], JSON.parse(body)]);
      response.end();
    });
  });
  const file = `${folder}/announce.yaml`;
  const args = ["--functions", `${folder}/weather.mjs`, "--param", `board=${board.url}`, "--json"];
  expect(await dag(["run", file, ...args])).toMatchObject({ code: 0 });
  const body = { title: "Weather", lines: ["Monday: Malmö, Oslo, Turku"] };
  expect(got).toEqual([["/monday", "Mon", body]]);
});

test("the sensor of the page of task types, in the folder where it looks", async () => {
  await using folder = await TestFolder.make();
  const program = [`${ROOT}dist/cmd/dag/main.js`, "run", `${ROOT}examples/sensor/arrivals.yaml`];
  const running = run(process.execPath, [...program, "--plugins", `${ROOT}examples/sensor/sensor.mjs`], {
    cwd: folder.path,
    timeout: 60_000,
  });
  let printed = "";
  running.child.stdout?.on("data", (chunk: string) => (printed += chunk));
  await until(
    () => printed.includes("orders looked in vain (attempt 1): there is no file inbox/orders.csv"),
    () => printed,
  );
  await mkdir(`${folder.path}/inbox`);
  await folder.write("inbox/orders.csv", "1\n");
  const { stdout } = await running;
  expect(stdout).toContain("DAG EXECUTION COMPLETE");
  expect(stdout).toContain("loading 2 bytes of inbox/orders.csv");
});

/** Whether nobody listens there. */
function refuses(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", () => resolve(true));
  });
}
