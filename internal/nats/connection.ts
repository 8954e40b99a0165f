/** One connection to the cluster, with settings that were found to matter. */
import { readFile } from "node:fs/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import {
  type Authenticator,
  AuthorizationError,
  connect,
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
  TimeoutError,
} from "@nats-io/transport-node";
import { isDenied, isPassing } from "./answers.ts";
import { pause } from "./patience.ts";

export interface ConnectOptions {
  /** `nats://host:4222`, several separated by commas; user and password or a token may stand in the address. */
  readonly servers: string;
  /** Path of a credentials file. */
  readonly creds?: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
}

export type ConnectReason =
  "unreachable" | "refused" | "no-jetstream" | "too-old" | "bad-address" | "no-room";

/** No usable server; the message says which address, what is wrong, and what to do. */
export class ConnectFailed extends Error {
  readonly code = "CONNECT_FAILED";
  readonly reason: ConnectReason;
  constructor(reason: ConnectReason, message: string) {
    super(message);
    this.name = "ConnectFailed";
    this.reason = reason;
  }
}

/** Newer features are used where they are, and never needed. */
const OLDEST = [2, 9] as const;
const CURRENT = [2, 10] as const;

/** All there is to find out about a server takes no longer. */
const CONNECT_MS = 4_800;
const DIAL_MS = 3_800;
/** An answer that takes longer is asked for again. */
const API_TIMEOUT_MS = 3_000;
const PROBE_TIMEOUT_MS = 900;
/** Nobody answers for JetStream: while it starts, or because it is not there. */
const NOBODY_MS = 1_000;
const RETRY_MS = 100;

export interface Connection {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  /** Whether the server is of a present version, or an older one that works with less. */
  readonly isCurrent: boolean;
  /** What the operator should know, in one line; absent when all is well. */
  readonly warning?: string;
}

/** Rejects with `ConnectFailed` within 5 s when there is no usable server. */
export async function connectNats(options: ConnectOptions): Promise<Connection> {
  const shown = withoutSecrets(options.servers);
  const giveUpAt = performance.now() + CONNECT_MS;
  const nc = await openConnection(options);
  try {
    const { version } = nc.info ?? { version: "0" };
    if (isBelow(version, OLDEST)) {
      const message = `the NATS server at ${shown} is version ${version}; 2.9 or newer is needed: update it`;
      throw new ConnectFailed("too-old", message);
    }
    await findJetStream(nc, shown, giveUpAt);
    const jsm = await jetstreamManager(nc, { timeout: API_TIMEOUT_MS, checkAPI: false });
    if (!isBelow(version, CURRENT)) return { nc, jsm, isCurrent: true };
    const warning = `the NATS server at ${shown} is version ${version}; it works, 2.10 or newer is better`;
    return { nc, jsm, isCurrent: false, warning };
  } catch (error) {
    await nc.close();
    throw error;
  }
}

/** A connection as such, whatever the server can do. Rejects with `ConnectFailed`. */
export async function openConnection(options: ConnectOptions): Promise<NatsConnection> {
  const shown = withoutSecrets(options.servers);
  const settings = await toSettings(options);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `no NATS server answers at ${shown}: is it running, and is the address right?`;
    timer = setTimeout(() => reject(new ConnectFailed("unreachable", message)), DIAL_MS);
  });
  const connecting = connect(settings);
  connecting.catch(() => undefined);
  try {
    return await Promise.race([connecting, late]);
  } catch (error) {
    if (error instanceof ConnectFailed) {
      void connecting.then((nc) => nc.close()).catch(() => undefined);
      throw error;
    }
    throw explain(error, shown);
  } finally {
    clearTimeout(timer);
  }
}

async function toSettings({ servers, creds, name }: ConnectOptions): Promise<ConnectionOptions> {
  const addresses = servers.split(",").map((address) => parseAddress(address.trim()));
  const { user, pass, token } =
    addresses.find((address) => address.user !== undefined || address.token !== undefined) ?? {};
  return {
    servers: addresses.map(({ server }) => server),
    ...(token === undefined ? {} : { token }),
    ...(user === undefined ? {} : { user, pass: pass ?? "" }),
    ...(creds === undefined ? {} : { authenticator: await readCredentials(creds) }),
    name,
    // With the defaults a frozen server is 48 s of silence, and a lost one is given up after 20 s.
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 2_000,
    // A server that refuses us for a while, after a change of its settings, must not end a process.
    ignoreAuthErrorAbort: true,
    // Otherwise the client captures a stack for every request, at half the throughput.
    noAsyncTraces: true,
  };
}

/** Tried out at once: the client would ask it again and again, and call what is wrong with it a server that does not answer. */
async function readCredentials(file: string): Promise<Authenticator> {
  const failed = (what: string, error: unknown): ConnectFailed => {
    const why = error instanceof Error ? error.message : String(error);
    return new ConnectFailed("refused", `the credentials file '${file}' ${what}: ${why}`);
  };
  const bytes = await readFile(file).catch((error: unknown) => {
    throw failed("cannot be read", error);
  });
  const authenticator = credsAuthenticator(bytes);
  try {
    authenticator("nonce");
  } catch (error) {
    throw failed("holds no user JWT and NKEY seed, as `nsc generate creds` writes them", error);
  }
  return authenticator;
}

interface Address {
  readonly server: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

function parseAddress(address: string): Address {
  const text = address.includes("://") ? address : `nats://${address}`;
  if (!/^(nats|tls):\/\//.test(text) || !URL.canParse(text) || new URL(text).hostname === "") {
    const shown = withoutSecrets(address);
    throw new ConnectFailed("bad-address", `'${shown}' is no NATS address; write nats://host:4222`);
  }
  const url = new URL(text);
  const server = `${url.protocol}//${url.hostname}:${url.port === "" ? "4222" : url.port}`;
  if (url.username === "") return { server };
  const user = decodeURIComponent(url.username);
  return url.password === ""
    ? { server, token: user }
    : { server, user, pass: decodeURIComponent(url.password) };
}

/** A user who may not ask is believed to have it: what is missing shows itself with the streams. */
async function findJetStream(nc: NatsConnection, shown: string, giveUpAt: number): Promise<void> {
  const jsm = await jetstreamManager(nc, { timeout: PROBE_TIMEOUT_MS, checkAPI: false });
  const nobodyAt = Math.min(giveUpAt, performance.now() + NOBODY_MS);
  for (;;) {
    try {
      await jsm.getAccountInfo();
      return;
    } catch (error) {
      if (isDenied(error)) return;
      const limit = error instanceof TimeoutError ? giveUpAt : nobodyAt;
      if (!isPassing(error) || performance.now() + RETRY_MS > limit) {
        const why = error instanceof Error ? error.message : String(error);
        const message = `the NATS server at ${shown} has no JetStream (${why}): start it with -js, or enable it for this account`;
        throw new ConnectFailed("no-jetstream", message);
      }
    }
    await pause(RETRY_MS);
  }
}

function explain(error: unknown, shown: string): ConnectFailed {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof AuthorizationError || /authorization|authentication/i.test(message)) {
    const advice = "check user and password, token or credentials file";
    return new ConnectFailed("refused", `the NATS server at ${shown} refuses these credentials: ${advice}`);
  }
  return new ConnectFailed("unreachable", `no NATS server answers at ${shown}: ${message}`);
}

/** An address as it may be shown and logged; also one that is none, since a secret may stand in it all the same. */
export function withoutSecrets(servers: string): string {
  return servers
    .split(",")
    .map((address) => address.replace(/^(\s*(?:\w+:\/\/)?).*@/s, "$1"))
    .join(",");
}

function isBelow(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = version.split(".").map(Number);
  return a < major || (a === major && b < minor);
}
