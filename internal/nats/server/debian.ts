/**
 * The distribution's package on Debian and Ubuntu, unpacked without root and without installing anything.
 *
 * apt does it, with the machine's own mirror, proxies and credentials, but with a list of sources and folders of its
 * own; it checks the archive's signature as always.
 */
import { execFile } from "node:child_process";
import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { apt, aptOutput, NoAnswer } from "./apt.ts";

const run = promisify(execFile);

interface Distribution {
  readonly id: string;
  /** Newest first. */
  readonly suites: readonly string[];
  readonly component: string;
  readonly keyring: string;
}

const DISTRIBUTIONS: readonly Distribution[] = [
  {
    id: "debian",
    suites: ["forky", "trixie"],
    component: "main",
    keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
  },
  {
    id: "ubuntu",
    suites: ["resolute", "questing", "noble"],
    component: "universe",
    keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
  },
];

export interface FetchPackageOptions<T> {
  /** To download and unpack into. */
  readonly folder: string;
  /** Within this many ms the mirror's answer has to begin. */
  readonly answerWithinMs: number;
  onStep(step: string): void;
  /** Takes a program; when it rejects, the next older suite is tried. */
  take(path: string): Promise<T>;
}

/** Tries the newest suite first, the machine's own last; resolves with what `take` made of the first good program. */
export async function fetchPackage<T>(options: FetchPackageOptions<T>): Promise<T> {
  const { id, codename } = await thisRelease();
  const distribution = DISTRIBUTIONS.find((each) => each.id === id);
  if (distribution === undefined) throw new Error("this is neither Debian nor Ubuntu");
  const { suites, component, keyring } = distribution;
  const mirror = await findMirror(codename);
  const keyrings = await readableOf([...(await keyringsOf(mirror)), keyring]);
  const failures: string[] = [];
  for (const suite of new Set([...suites, codename])) {
    const folder = join(options.folder, suite);
    try {
      const path = await fetchFrom({ mirror, suite, component, keyrings, folder }, options);
      return await options.take(path);
    } catch (error) {
      failures.push(`${suite}: ${error instanceof Error ? error.message : String(error)}`);
      // The other suites are on the same mirror.
      if (error instanceof NoAnswer) break;
    }
  }
  throw new Error(failures.join("; "));
}

async function thisRelease(): Promise<{ id: string; codename: string }> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const field = (name: string): string => new RegExp(`^${name}="?(\\w+)"?$`, "m").exec(text)?.[1] ?? "";
  return { id: field("ID"), codename: field("VERSION_CODENAME") };
}

/** The archive that the machine's release comes from, not that of its security fixes. */
async function findMirror(codename: string): Promise<string> {
  // Unlike `indextargets` this also knows sources of which nothing has been downloaded yet.
  const output = await aptOutput(["--print-uris", "update"]);
  const sources = [...output.matchAll(/^'([^']+)\/dists\/([^']+)\/InRelease'/gm)].map(
    ([, uri = "", suite = ""]) => ({ uri: `${uri}/`, suite }),
  );
  const source =
    sources.find(({ suite }) => suite === codename) ??
    // Those who follow `stable` or `testing`.
    sources.find(({ uri, suite }) => !/[-/]/.test(suite) && !uri.includes("security"));
  if (source === undefined) throw new Error(`apt has no source for '${codename}'`);
  return source.uri;
}

/** The keys that the machine's own sources trust for this mirror. */
async function keyringsOf(mirror: string): Promise<string[]> {
  const folder = "/etc/apt/sources.list.d";
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.(list|sources)$/.test(name));
  const files = ["/etc/apt/sources.list", ...names.map((name) => join(folder, name))];
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  // A stanza of the new form, a line of the old one.
  const entries = texts.flatMap((text) => text.split(text.includes("Types:") ? /\n\s*\n/ : "\n"));
  return entries
    .filter((entry) => entry.includes(mirror.replace(/\/$/, "")))
    .flatMap((entry) => /^[^#]*?signed-by[:=]\s*(\/[^\s\]]+)/im.exec(entry)?.[1]?.split(",") ?? []);
}

async function readableOf(files: readonly string[]): Promise<string[]> {
  const unique = [...new Set(files)];
  const there = await Promise.all(unique.map((file) => isThere(file)));
  return unique.filter((_file, i) => there[i]);
}

interface Source {
  readonly mirror: string;
  readonly suite: string;
  readonly component: string;
  readonly keyrings: readonly string[];
  /** All that apt writes goes here. */
  readonly folder: string;
}

async function fetchFrom(
  source: Source,
  { answerWithinMs, onStep }: FetchPackageOptions<unknown>,
): Promise<string> {
  const { suite, folder } = source;
  const options = await privateConfiguration(source);
  onStep(`package index of ${suite}`);
  await apt([...options, "update"], { cwd: folder, answerWithinMs });
  onStep(`package of ${suite}`);
  await apt([...options, "download", "nats-server"], { cwd: folder });
  const archive = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new Error("apt-get downloaded nothing");
  await run("dpkg", ["-x", archive, "package"], { cwd: folder, timeout: 60_000 });
  for (const place of ["usr/sbin", "usr/bin"]) {
    const path = join(folder, "package", place, "nats-server");
    if (await isThere(path)) return path;
  }
  throw new Error("the package holds no nats-server");
}

/** Options that keep apt to one source and one folder, whatever the machine has set up besides. */
async function privateConfiguration(source: Source): Promise<string[]> {
  const { mirror, suite, component, keyrings, folder } = source;
  for (const part of ["lists/partial", "cache/archives/partial", "none"]) {
    await mkdir(join(folder, part), { recursive: true });
  }
  const { stdout } = await run("dpkg", ["--print-architecture"], { timeout: 5_000 });
  const signed = keyrings.length === 0 ? "" : ` signed-by=${keyrings.join(",")}`;
  const list = join(folder, "sources.list");
  await writeFile(
    list,
    `deb [arch=${stdout.trim()} target=Packages${signed}] ${mirror} ${suite} ${component}\n`,
  );
  const settings = {
    "Dir::Etc::sourcelist": list,
    "Dir::Etc::sourceparts": join(folder, "none"),
    "Dir::Etc::preferences": join(folder, "none", "preferences"),
    "Dir::Etc::preferencesparts": join(folder, "none"),
    "Dir::State::lists": join(folder, "lists"),
    "Dir::Cache": join(folder, "cache"),
    // Names a suite that is none of ours.
    "APT::Default-Release": "",
    // The user for downloads may not write below the user's home.
    "APT::Sandbox::User": "root",
    // Otherwise a source that fails is only a warning.
    "APT::Update::Error-Mode": "any",
    "Acquire::Retries": "0",
    "Acquire::http::Timeout": "15",
    "Acquire::https::Timeout": "15",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
