/** The official release for this platform. */
import { createHash } from "node:crypto";
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

/** The sums are those that the release itself publishes. */
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

export type OnBytes = (bytes: number, total: number | undefined) => void;

const CONNECT_MS = 5_000;
/** A download that stands still for so long has failed. */
const STALL_MS = 15_000;

/** Downloads, checks and unpacks into `folder`; resolves with the program's path. */
export async function fetchRelease(release: Release, folder: string, onBytes: OnBytes): Promise<string> {
  const platform = platformName();
  const sum = release.sums[platform];
  if (sum === undefined) throw new Error(`there is no release for ${platform}`);
  const name = `nats-server-v${release.version}-${platform}`;
  const archive = join(folder, `${name}.tar.gz`);
  const found = await download(`${release.base}/v${release.version}/${name}.tar.gz`, archive, onBytes);
  if (found !== sum) throw new Error(`the archive's SHA-256 is ${found}, and must be ${sum}`);
  await extract({ file: archive, cwd: folder, strip: 1 }, [`${name}/nats-server`]);
  return join(folder, "nats-server");
}

function platformName(): string {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  return `${process.platform}-${arch}`;
}

/** Resolves with the SHA-256 of what was downloaded. */
async function download(url: string, file: string, onBytes: OnBytes): Promise<string> {
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(new Error("no connection within 5 s")), CONNECT_MS);
  try {
    const response = await fetch(url, { signal: stop.signal });
    if (!response.ok || response.body === null) throw new Error(`${url} answers ${response.status}`);
    const length = Number(response.headers.get("content-length") ?? 0);
    const hash = createHash("sha256");
    let bytes = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        clearTimeout(timer);
        timer = setTimeout(() => stop.abort(new Error("the download stands still")), STALL_MS);
        hash.update(chunk);
        bytes += chunk.length;
        onBytes(bytes, length > 0 ? length : undefined);
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(file), { signal: stop.signal });
    return hash.digest("hex");
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : reasonOf(error);
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch` says "fetch failed" and keeps the reason apart. */
function reasonOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error ? new Error(error.cause.message) : error;
}
