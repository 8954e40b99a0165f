/** A real nats-server with settings of a test's own: users, permissions, no JetStream. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverBinary } from "./nats-server.ts";
import { until } from "./until.ts";

export interface ConfiguredServer extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
}

/** Starts one; `settings` are lines of its configuration file, where `STORE` stands for a folder of its own. */
export async function startConfigured(settings: string): Promise<ConfiguredServer> {
  const folder = await mkdtemp(join(tmpdir(), "jetdag-test-nats-"));
  const file = join(folder, "nats.conf");
  const place = `listen: "127.0.0.1:-1"\nports_file_dir: ${JSON.stringify(folder)}\n`;
  await writeFile(file, `${place}${settings.replaceAll("STORE", JSON.stringify(join(folder, "data")))}\n`);
  const server = spawn(await serverBinary(), ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  const log: string[] = [];
  server.stderr.on("data", (chunk: Buffer) => log.push(chunk.toString()));
  const address = await until(
    async () => {
      const ports = (await readdir(folder)).find((name) => name.endsWith(".ports"));
      if (ports === undefined) return undefined;
      const text = await readFile(join(folder, ports), "utf8");
      return /"nats:\/\/([^"]+)"/.exec(text)?.[1];
    },
    () => log.join(""),
  );
  return {
    address,
    [Symbol.asyncDispose]: async () => {
      if (server.exitCode === null) {
        server.kill("SIGKILL");
        await once(server, "exit");
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
