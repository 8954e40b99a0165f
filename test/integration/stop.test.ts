/** A stop is a stop: what a cancelled run has running on a worker ends, of every type. */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
import { TestServer } from "../support/nats-server.ts";
import { isRunning } from "../support/processes.ts";
import { dag, Program } from "../support/programs.ts";
import { until } from "../support/until.ts";

test("dag cancel ends scripts, requests and functions that never let go, and their slots are free", async () => {
  await using server = await TestServer.start();
  await using folder = await TestFolder.make();
  const { path } = folder;
  const functions = await folder.write(
    "functions.mjs",
    `import { writeFileSync } from "node:fs";
    export function busy({ beats }) { for (let i = 1; ; i++) writeFileSync(beats, String(i)); }`,
  );
  await using slow = await hangingServer();
  const tasks = [
    { id: "script", command: `trap "" TERM; echo $$ >${path}/pid; while :; do sleep 0.05; done` },
    { id: "request", type: "http", command: `GET ${slow.url}` },
    { id: "busy", type: "function", params: { beats: `${path}/beats` } },
  ];
  const file = await folder.write("stop.json", JSON.stringify({ name: "stop", tasks }));
  const flags = ["--nats", server.url];
  await using _executor = new Program("executor", flags);
  const own = ["--workers", "3", "--functions", functions, "--grace", "300ms"];
  await using worker = new Program("worker", [...flags, ...own]);
  await Promise.all([worker.says("worker started"), _executor.says("lease taken")]);
  await using running = new Program("dag", ["run", file, ...flags, "--run-id", "stop-1", "--json"]);
  await until(() => existsSync(`${path}/pid`) && existsSync(`${path}/beats`) && slow.response());

  expect((await dag(["cancel", "stop-1", ...flags])).code).toBe(0);
  expect((await running.finished).code).toBe(1);
  expect(JSON.parse(running.stdout)).toMatchObject({ state: "cancelled" });
  await until(() => !isRunning(Number(readFileSync(`${path}/pid`, "utf8"))));
  await until(() => slow.response()?.socket?.destroyed !== false);

  const beats = (): string => readFileSync(`${path}/beats`, "utf8");
  const again = tasks.map(({ id }) => ({ id, type: "function", command: "echo" }));
  const next = await folder.write("next.json", JSON.stringify({ name: "next", tasks: again }));
  const lastBeat = await until(async () => {
    const before = beats();
    expect((await dag(["run", next, ...flags])).code).toBe(0);
    return before === beats() && before;
  });
  expect(Number(lastBeat)).toBeGreaterThan(0);
  worker.kill("SIGTERM");
  expect((await worker.finished).code).toBe(0);
});

/** Sends headers, and the body never. */
async function hangingServer(): Promise<
  { readonly url: string; response(): ServerResponse | undefined } & AsyncDisposable
> {
  let response: ServerResponse | undefined;
  const server = createServer((_request, answer) => {
    response = answer;
    answer.writeHead(200).write("half a");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    response: () => response,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
