/** A cluster of two workers in folders of their own, which share no file, and what they store and leave behind. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Names } from "../../internal/contract/subjects.ts";
import type { RunResult } from "../../internal/core/result.ts";
import { connectNats } from "../../internal/nats/connection.ts";
import { TestFolder } from "./folder.ts";
import { TestServer } from "./nats-server.ts";
import { dag, type Finished, Program } from "./programs.ts";
import { until } from "./until.ts";

const FUNCTIONS = new URL("../../dist/cmd/library/functions.js", import.meta.url).href;
const SOURCE = `
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { artifacts } from "${FUNCTIONS}";
export const movies = ({ count = 3 }) =>
  artifacts(Array.from({ length: count }, (_, n) => ({ name: \`m\${n}.mkv\`, metadata: { title: \`movie \${n}\`, n } })), { count });
export async function random({ bytes }, { folder }) {
  const path = join(await folder(), "noise.bin");
  await writeFile(path, Buffer.alloc(bytes, Buffer.from(Array.from({ length: 4099 }, (_, i) => (i * 31) & 255))));
  return artifacts([{ path, metadata: { kind: "noise" } }]);
}
export const length = async ({ file_path }) => ({ bytes: (await readFile(file_path)).length, file_path });
`;

export class ArtifactCluster implements AsyncDisposable {
  readonly server: TestServer;
  readonly folder: TestFolder;
  /** Path of the module of functions. */
  readonly functions: string;
  readonly executor: Program;
  readonly #workers: Program[] = [];
  #serial = 0;

  private constructor(server: TestServer, folder: TestFolder, functions: string) {
    this.server = server;
    this.folder = folder;
    this.functions = functions;
    this.executor = new Program("executor", ["--nats", server.url]);
  }

  /** Workers `a` and `b` serve the queues of these names. */
  static async start(): Promise<ArtifactCluster> {
    const folder = await TestFolder.make();
    const functions = await folder.write("functions.mjs", SOURCE);
    const cluster = new ArtifactCluster(await TestServer.start(), folder, functions);
    for (const id of ["a", "b"]) await cluster.worker(id, id);
    await until(
      async () => (await cluster.ask("workers")).stdout.match(/live/g)?.length === 2,
      () => [cluster.executor, ...cluster.#workers].map(({ stderr, stdout }) => stdout + stderr),
    );
    return cluster;
  }

  /** With a folder for temporary files of its own. */
  async worker(id: string, queue: string, ...flags: string[]): Promise<Program> {
    const own = join(this.folder.path, id);
    await mkdir(own, { recursive: true });
    const args = ["--nats", this.server.url, "--id", id, "--queues", queue, "--functions", this.functions];
    args.push(...flags);
    const worker = new Program("worker", args, { TMPDIR: own, JETDAG_SECRET_TOKEN: "s3cr3t-t0k3n" });
    this.#workers.push(worker);
    return worker;
  }

  ask(...args: string[]): Promise<Finished> {
    return dag(args, { NATS_URL: this.server.url });
  }

  async run(tasks: readonly object[], more: object = {}): Promise<RunResult> {
    const name = `artifacts-${++this.#serial}`;
    const file = await this.folder.write(`${name}.json`, JSON.stringify({ name, ...more, tasks }));
    const { stdout, stderr } = await this.ask("run", file, "--run-id", name, "--json");
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout) as RunResult;
  }

  /** How many pieces of values are stored of a run. */
  async stored(runId: string): Promise<number> {
    const { nc, jsm } = await connectNats({ servers: this.server.url, name: "test" });
    const names = new Names("jetdag");
    const filter = { subjects_filter: `${names.blobsOf({ runId })}.>` };
    const { state } = await jsm.streams.info(names.blobsStream, filter);
    await nc.close();
    return Object.keys(state.subjects ?? {}).length;
  }

  /** Folders and files of attempts that a worker has in its own. */
  async leftIn(id: string): Promise<string[]> {
    const own = join(this.folder.path, id);
    const homes = (await readdir(own)).filter((name) => name.startsWith("jetdag-"));
    const all = await Promise.all(homes.map((home) => readdir(join(own, home)).catch(() => [])));
    return all.flat().filter((name) => name !== "no-params.json");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of [this.executor, ...this.#workers]) await program[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}

/** What a task printed, as JSON. */
export function printed(result: RunResult, task: string): unknown {
  const { state, output, error } = result.tasks[task] ?? { state: "missing" };
  if (typeof output?.stdout === "string" && state === "completed")
    return JSON.parse(output.stdout) as unknown;
  throw new Error(JSON.stringify({ state, output, error }));
}

export function linesOf(result: RunResult, task: string, stream: "stdout" | "stderr"): string[] {
  const text = result.tasks[task]?.output?.[stream];
  return typeof text === "string" ? text.split("\n") : [];
}
