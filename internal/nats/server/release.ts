/** The official release for this platform. */
import { createHash } from "node:crypto";
import { access, mkdir } from "node:fs/promises";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar";

export interface Release {
  readonly version: string;
  /** SHA-256 of the archive, by platform (`linux-amd64`). */
  readonly sums: Readonly<Record<string, string>>;
  /** Where releases are; the rest of the address is `/v<version>/<archive>`. */
  readonly base: string;
}

/**
 * The sums are those of the release's own SHA256SUMS. They were compared with what others recorded of it:
 * cashapp/hermit-packages, nats-server.hcl (all four), and nats-io/nats-docker, 2.14.x/alpine3.22/Dockerfile (Linux).
 */
export const OFFICIAL: Release = {
  version: "2.14.5",
  base: "https://github.com/nats-io/nats-server/releases/download",
  sums: {
    "linux-amd64": "5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355",
    "linux-arm64": "673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c",
    "darwin-amd64": "f95c98d6b6ed2b63c5681b46b092c9585c99767d547cf495730c329234625e96",
    "darwin-arm64": "ddd907854d9a2de834af133fa396915fe6442fe6d8909ae31390d1ea7a0fea50",
  },
};

export interface FetchReleaseOptions {
  /** To download and unpack into. */
  readonly folder: string;
  /** Within this many ms the answer has to begin. */
  readonly answerWithinMs: number;
  onBytes(bytes: number, total: number | undefined): void;
}

/** A download that stands still for so long has failed. */
const STALL_MS = 15_000;

/** Downloads, checks and unpacks; resolves with the program's path. */
export async function fetchRelease(release: Release, options: FetchReleaseOptions): Promise<string> {
  const platform = releasePlatform();
  const sum = release.sums[platform];
  if (sum === undefined) throw new Error(`there is no release for ${platform}`);
  const name = `nats-server-v${release.version}-${platform}`;
  const url = `${release.base}/v${release.version}/${name}.tar.gz`;
  const archive = join(options.folder, "archive.tar.gz");
  const found = await download(url, archive, options);
  if (found !== sum) throw new Error(`the SHA-256 of ${url} is ${found}, and must be ${sum}`);
  const unpacked = join(options.folder, "unpacked");
  await mkdir(unpacked);
  await extract({ file: archive, cwd: unpacked, strip: 1 }, [`${name}/nats-server`]);
  const path = join(unpacked, "nats-server");
  await access(path).catch(() => {
    throw new Error(`${url} holds no ${name}/nats-server`);
  });
  return path;
}

/** As releases name this platform, such as `linux-amd64`. */
export function releasePlatform(): string {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  return `${process.platform}-${arch}`;
}

/** Resolves with the SHA-256 of what was downloaded. */
async function download(
  url: string,
  file: string,
  { answerWithinMs, onBytes }: FetchReleaseOptions,
): Promise<string> {
  const stop = new AbortController();
  const stopAfter = (ms: number, why: string): NodeJS.Timeout =>
    setTimeout(() => stop.abort(new Error(`${url}: ${why}`)), ms);
  let timer = stopAfter(answerWithinMs, `no answer within ${answerWithinMs / 1_000} s`);
  const moved = (): void => {
    clearTimeout(timer);
    timer = stopAfter(STALL_MS, `the download stood still for ${STALL_MS / 1_000} s`);
  };
  try {
    const response = await fetch(url, { signal: stop.signal });
    moved();
    if (!response.ok || response.body === null) throw new Error(`the answer is status ${response.status}`);
    const length = Number(response.headers.get("content-length") ?? 0);
    const hash = createHash("sha256");
    let bytes = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        moved();
        hash.update(chunk);
        bytes += chunk.length;
        onBytes(bytes, length > 0 ? length : undefined);
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(file), { signal: stop.signal });
    return hash.digest("hex");
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : new Error(`${url}: ${reasonOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch` says "fetch failed" or "terminated", and keeps the reason apart. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error.cause instanceof Error && error.cause.message !== "" ? error.cause : error;
  return error.message === "terminated" ? `the download broke off (${message})` : message;
}
