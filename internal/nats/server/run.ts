/** Runs a nats-server as a child on a loopback port, with a store of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectNats } from "../connection.ts";

export interface RunOptions {
  /** Path of the program. */
  readonly binary: string;
  /** Where it keeps its data. Default: a temporary folder that is removed at the end. */
  readonly folder?: string;
  /** Default: any that is free. */
  readonly port?: number;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Of the server itself. */
  readonly pid: number;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

const READY_MS = 20_000;
const POLL_MS = 25;
const KEEPER = fileURLToPath(new URL("./keeper.mjs", import.meta.url));

/** Resolves when it takes connections and JetStream answers; rejects with the end of its log when it dies before. */
export async function runServer({ binary, folder, port = -1 }: RunOptions): Promise<RunningServer> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), "jetdag-nats-")));
  const ports = join(home, "ports");
  // What an earlier server left there would be taken for the new one's.
  await rm(ports, { recursive: true, force: true });
  await mkdir(ports, { recursive: true });
  const logFile = join(home, "nats-server.log");
  const args = ["--addr", "127.0.0.1", "--port", String(port), "--ports_file_dir", ports];
  const task = {
    binary,
    logFile,
    args: [...args, "--jetstream", "--store_dir", join(home, "data")],
    ...(folder === undefined ? { temporaryFolder: home } : {}),
  };
  const keeper = spawn(process.execPath, [KEEPER, JSON.stringify(task)], {
    // A session of its own: Ctrl-C at the terminal is for us, and we end the server when we are done.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const gone = new Promise<void>((resolve) => {
    keeper.once("exit", () => resolve());
  });
  keeper.unref();
  const stop = async (): Promise<void> => {
    keeper.stdin?.destroy();
    if (keeper.exitCode === null && keeper.signalCode === null) await gone;
    if (folder === undefined) await rm(home, { recursive: true, force: true });
  };
  try {
    const address = await ready(keeper, ports, logFile);
    return { ...address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(
  keeper: ChildProcess,
  ports: string,
  logFile: string,
): Promise<{ url: string; port: number; pid: number }> {
  const giveUpAt = performance.now() + READY_MS;
  for (;;) {
    const address = await readPorts(ports);
    if (address !== undefined) {
      const { nc } = await connectNats({ servers: address.url, name: "jetdag" });
      await nc.close();
      return address;
    }
    if (keeper.exitCode !== null || performance.now() > giveUpAt) {
      const log = await readFile(logFile, "utf8").catch(() => "");
      const end = log.trim().split("\n").slice(-5).join("\n");
      throw new Error(`nats-server did not start; its log ends with:\n${end === "" ? "(nothing)" : end}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}

/** The server writes `nats-server_<pid>.ports` once it listens. */
async function readPorts(folder: string): Promise<{ url: string; port: number; pid: number } | undefined> {
  const file = (await readdir(folder).catch(() => [])).find((name) => name.endsWith(".ports"));
  if (file === undefined) return undefined;
  try {
    const { nats } = JSON.parse(await readFile(join(folder, file), "utf8")) as { nats: string[] };
    const port = Number(new URL(nats[0] ?? "").port);
    const pid = Number(/_(\d+)\.ports$/.exec(file)?.[1]);
    return { url: `nats://127.0.0.1:${port}`, port, pid };
  } catch {
    // Half written: the next look sees it whole.
    return undefined;
  }
}
