/** Runs a nats-server on a loopback port, with a store of its own, for no longer than this process lives. */
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { connectNats } from "../connection.ts";
import { howItEnded, Keeper } from "./keeper.ts";

export interface RunOptions {
  /** Path of the program. */
  readonly binary: string;
  /** Where it keeps its data and its log. Default: a temporary folder that is removed at the end. */
  readonly folder?: string;
  /** Default: 0, any that is free. */
  readonly port?: number;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Of the server itself. */
  readonly pid: number;
  /** Such as `2.14.5`. */
  readonly version: string;
  /** Resolves when it has ended, with what ended it, such as `SIGKILL`. */
  readonly gone: Promise<string>;
  readonly keeper: Keeper;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

/** It did not come up; the message ends with the end of its log. */
export class ServerFailed extends Error {
  readonly code = "SERVER_FAILED";
  /** Another program listens there. */
  readonly portTaken: boolean;
  constructor(message: string) {
    super(`nats-server did not start: ${message}`);
    this.name = "ServerFailed";
    this.portTaken = message.includes("address already in use");
  }
}

const READY_MS = 30_000;
const POLL_MS = 25;
const LOG_LINES = 5;

/** Resolves when it takes connections and JetStream answers; rejects with `ServerFailed` when that never happens. */
export async function runServer({ binary, folder, port = 0 }: RunOptions): Promise<RunningServer> {
  const home = folder === undefined ? await mkdtemp(join(tmpdir(), "jetdag-nats-")) : resolve(folder);
  const temporaryFolder = folder === undefined ? home : undefined;
  const files = { ports: join(home, "ports"), log: join(home, "nats-server.log") };
  try {
    // What an earlier server left there would be taken for the new one's.
    await rm(files.ports, { recursive: true, force: true });
    await mkdir(files.ports, { recursive: true });
  } catch (error) {
    throw new ServerFailed(`its folder cannot be used: ${messageOf(error)}`);
  }
  // With -1 the server chooses, and nobody can take the port in between; 0 would mean 4222.
  const place = ["--addr", "127.0.0.1", "--port", String(port === 0 ? -1 : port)];
  const keeper = new Keeper({
    binary: resolve(binary),
    args: [...place, "--ports_file_dir", files.ports, "--jetstream", "--store_dir", join(home, "data")],
    logFile: files.log,
    ...(temporaryFolder === undefined ? {} : { temporaryFolder }),
  });
  const stop = async (): Promise<void> => {
    keeper.askToEnd();
    await keeper.gone;
    if (temporaryFolder !== undefined) await rm(temporaryFolder, { recursive: true, force: true });
  };
  try {
    return { ...(await ready(keeper, files)), gone: keeper.gone.then(howItEnded), keeper, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(
  keeper: Keeper,
  files: { readonly ports: string; readonly log: string },
): Promise<Address & { version: string }> {
  const giveUpAt = performance.now() + READY_MS;
  let last = "it does not listen";
  for (;;) {
    const { isGone } = keeper;
    const address = isGone ? undefined : await readPorts(files.ports);
    if (address !== undefined) {
      try {
        return { ...address, version: await versionAt(address.url) };
      } catch (error) {
        // On a loaded machine, or when it is going down again just now.
        last = messageOf(error);
      }
    }
    if (isGone || performance.now() > giveUpAt) {
      const why = isGone ? "it ended at once" : `not ready within ${READY_MS / 1_000} s (${last})`;
      throw new ServerFailed(`${why}; its log ends with:\n${await endOf(files.log)}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}

async function versionAt(url: string): Promise<string> {
  const { nc } = await connectNats({ servers: url, name: "jetdag" });
  const version = nc.info?.version ?? "";
  await nc.close();
  return version;
}

async function endOf(logFile: string): Promise<string> {
  const log = await readFile(logFile, "utf8").catch(() => "");
  const end = log.trim().split("\n").slice(-LOG_LINES).join("\n");
  return end === "" ? "(nothing)" : end;
}

interface Address {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
}

/** The server writes `nats-server_<pid>.ports` once it listens. */
async function readPorts(folder: string): Promise<Address | undefined> {
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
