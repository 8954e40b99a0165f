/** A registry of images, as far as an engine that fetches one asks; on this machine engines take it without TLS. */
import { createHash } from "node:crypto";
import { copyFile, mkdir, symlink } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { create } from "tar";
import { TestFolder } from "./folder.ts";
import { until } from "./until.ts";

const TYPES = {
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
};

const NOTHING = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"nothing of this name"}]}';

interface Blob {
  readonly digest: string;
  readonly bytes: Buffer;
}

export class TestRegistry {
  /** Asked for, with method. */
  readonly asked: string[] = [];
  /** Whom it answers: `user:password`; anybody without it. */
  login: string | undefined;
  /** It answers nothing more. */
  isSilent = false;
  readonly #server: Server;
  readonly #blobs: ReadonlyMap<string, Buffer>;
  readonly #manifest: Buffer;

  private constructor(blobs: readonly Blob[], manifest: Buffer) {
    this.#blobs = new Map(blobs.map(({ digest, bytes }) => [digest, bytes]));
    this.#manifest = manifest;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Its one image, of any name and tag, has busybox as its shell. */
  static async start(): Promise<TestRegistry> {
    const tar = await busybox();
    const layer = blobOf(gzipSync(tar));
    const config = blobOf(
      Buffer.from(
        JSON.stringify({
          architecture: process.arch === "arm64" ? "arm64" : "amd64",
          os: "linux",
          config: { Cmd: ["sh", "-c", "echo by itself"] },
          rootfs: { type: "layers", diff_ids: [blobOf(tar).digest] },
        }),
      ),
    );
    const describe = (mediaType: string, { digest, bytes }: Blob): object => ({
      mediaType,
      size: bytes.length,
      digest,
    });
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: TYPES.manifest,
      config: describe(TYPES.config, config),
      layers: [describe(TYPES.layer, layer)],
    });
    const registry = new TestRegistry([layer, config], Buffer.from(manifest));
    await new Promise<void>((resolve) => {
      registry.#server.listen(0, "127.0.0.1", resolve);
    });
    return registry;
  }

  /** `127.0.0.1:port` */
  get host(): string {
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  /** Waits until somebody asks. */
  async isAsked(): Promise<void> {
    await until(() => this.asked.length > 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #answer({ method = "", url = "", headers }: IncomingMessage, response: ServerResponse): void {
    this.asked.push(`${method} ${url}`);
    if (this.isSilent) return;
    const { login } = this;
    const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString("base64")}`;
    if (expected !== undefined && headers.authorization !== expected) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
      return;
    }
    const digest = url.split("/").at(-1) ?? "";
    const found = /^\/v2\/[^/]+\/manifests\//.test(url) ? this.#manifest : this.#blobs.get(digest);
    if (url === "/v2/") response.end("{}");
    else if (found === undefined || url.includes("missing")) response.writeHead(404).end(NOTHING);
    else {
      const type = found === this.#manifest ? TYPES.manifest : "application/octet-stream";
      const { digest: own } = blobOf(found);
      response.writeHead(200, {
        "content-type": type,
        "content-length": found.length,
        "docker-content-digest": own,
      });
      response.end(method === "HEAD" ? undefined : found);
    }
  }
}

function blobOf(bytes: Buffer): Blob {
  return { digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, bytes };
}

async function busybox(): Promise<Buffer> {
  await using folder = await TestFolder.make();
  await mkdir(join(folder.path, "bin"));
  await copyFile("/bin/busybox", join(folder.path, "bin", "busybox"));
  for (const name of ["sh", "cat"]) await symlink("busybox", join(folder.path, "bin", name));
  const chunks: Buffer[] = [];
  for await (const chunk of create({ cwd: folder.path, portable: true }, ["bin"])) chunks.push(chunk);
  return Buffer.concat(chunks);
}
