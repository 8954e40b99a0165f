/** Releases of nats-server as the official place has them, from a local server that a test steers. */
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { create } from "tar";
import { type Release, releasePlatform } from "../../internal/nats/server/release.ts";

/** Writes a program that answers `--version` as a nats-server does, or that does what `script` says. */
export async function fakeServer(
  path: string,
  { version = "2.11.3", script }: { readonly version?: string; readonly script?: string } = {},
): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script ?? `echo "nats-server: v${version}"`}\n`);
  await chmod(path, 0o755);
  return path;
}

export async function fakeArchive(folder: string, version: string): Promise<Buffer> {
  const name = `nats-server-v${version}-${releasePlatform()}`;
  await fakeServer(join(folder, name, "nats-server"), { version });
  const file = join(folder, `${name}.tar.gz`);
  await create({ gzip: true, file, cwd: folder }, [name]);
  return readFile(file);
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers with what `answer` says; by default the file of the address. */
export class ReleaseServer {
  readonly #server: Server;
  readonly #files = new Map<string, Buffer>();
  readonly requests: string[] = [];
  answer: Answer = (request, response) => this.send(request, response);

  private constructor() {
    this.#server = createServer((request, response) => {
      this.requests.push(request.url ?? "");
      this.answer(request, response);
    });
  }

  static async start(): Promise<ReleaseServer> {
    const server = new ReleaseServer();
    await new Promise<void>((resolve) => {
      server.#server.listen(0, "127.0.0.1", resolve);
    });
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  put(path: string, content: Buffer | string): void {
    this.#files.set(path, Buffer.from(content));
  }

  send(request: IncomingMessage, response: ServerResponse): void {
    const content = this.#files.get(request.url ?? "");
    response.writeHead(content === undefined ? 404 : 200, { "content-length": content?.length ?? 0 });
    response.end(content);
  }

  /** Offers a release whose program is a fake one. */
  async release(folder: string, version = "2.11.3"): Promise<Release> {
    const archive = await fakeArchive(folder, version);
    const platform = releasePlatform();
    this.put(`/v${version}/nats-server-v${version}-${platform}.tar.gz`, archive);
    const sum = createHash("sha256").update(archive).digest("hex");
    return { version, base: this.url, sums: { [platform]: sum } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

/** Keeps apt, when this machine has one, from finding any package, until the end of the test. */
export async function withoutPackages(folder: string): Promise<Disposable> {
  const file = join(folder, "apt-without-sources.conf");
  await writeFile(file, 'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n');
  return aptConfiguration(file);
}

/** Has apt read one more configuration file, until the end of the test. */
export function aptConfiguration(file: string): Disposable {
  const before = process.env.APT_CONFIG;
  process.env.APT_CONFIG = file;
  return {
    [Symbol.dispose]: () => {
      if (before === undefined) delete process.env.APT_CONFIG;
      else process.env.APT_CONFIG = before;
    },
  };
}
