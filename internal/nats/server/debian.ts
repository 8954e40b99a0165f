/** The distribution's package on Debian and Ubuntu, unpacked without root and without installing anything. */
import { execFile } from "node:child_process";
import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

interface Distribution {
  /** Newest first; the machine's own release has an older server, or is among them. */
  readonly suites: readonly string[];
  readonly component: string;
  readonly keyring: string;
}

const DISTRIBUTIONS: Readonly<Record<string, Distribution>> = {
  debian: {
    suites: ["forky", "trixie"],
    component: "main",
    keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
  },
  ubuntu: {
    suites: ["resolute", "questing", "noble"],
    component: "universe",
    keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
  },
};

/** Unpacks the newest package that the machine's own mirror offers below `folder`; resolves with the program's path. */
export async function fetchPackage(folder: string, onStep: (step: string) => void): Promise<string> {
  const { id, codename } = await thisRelease();
  const distribution = DISTRIBUTIONS[id];
  if (distribution === undefined) throw new Error("this is neither Debian nor Ubuntu");
  const mirror = await mirrorOf(codename);
  const failures: string[] = [];
  for (const suite of distribution.suites) {
    onStep(`package of ${suite}`);
    try {
      return await fetchFrom({ mirror, suite, distribution, folder: join(folder, suite) });
    } catch (error) {
      failures.push(`${suite}: ${lastLine(error)}`);
    }
  }
  throw new Error(failures.join("; "));
}

async function thisRelease(): Promise<{ id: string; codename: string }> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const field = (name: string): string => new RegExp(`^${name}="?(\\w+)"?$`, "m").exec(text)?.[1] ?? "";
  return { id: field("ID"), codename: field("VERSION_CODENAME") };
}

/** The archive that the machine's release comes from, not its updates or security fixes. */
async function mirrorOf(codename: string): Promise<string> {
  const { stdout } = await run("apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE)"], {
    timeout: 10_000,
  });
  const lines = stdout.split("\n").map((line) => line.split(" "));
  const main = lines.find(([, release]) => release === codename)?.[0];
  if (main === undefined) throw new Error(`apt has no source for ${codename}`);
  return main;
}

async function fetchFrom(source: {
  readonly mirror: string;
  readonly suite: string;
  readonly distribution: Distribution;
  readonly folder: string;
}): Promise<string> {
  const { mirror, suite, distribution, folder } = source;
  for (const part of ["lists/partial", "cache/archives/partial", "parts"]) {
    await mkdir(join(folder, part), { recursive: true });
  }
  const signed = await access(distribution.keyring).then(
    () => `[signed-by=${distribution.keyring}] `,
    () => "",
  );
  await writeFile(
    join(folder, "sources.list"),
    `deb ${signed}${mirror} ${suite} ${distribution.component}\n`,
  );
  const options = [
    ...["-o", `Dir::Etc::sourcelist=${join(folder, "sources.list")}`],
    ...["-o", `Dir::Etc::sourceparts=${join(folder, "parts")}`],
    ...["-o", `Dir::State::lists=${join(folder, "lists")}`, "-o", `Dir::Cache=${join(folder, "cache")}`],
    ...["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=5", "-o", "Acquire::https::Timeout=5"],
  ];
  await run("apt-get", [...options, "-qq", "update"], { cwd: folder, timeout: 120_000 });
  await run("apt-get", [...options, "-qq", "download", "nats-server"], { cwd: folder, timeout: 120_000 });
  const archive = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new Error("apt-get downloaded nothing");
  await run("dpkg", ["-x", archive, "package"], { cwd: folder, timeout: 60_000 });
  for (const place of ["usr/sbin", "usr/bin"]) {
    const path = join(folder, "package", place, "nats-server");
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new Error("the package holds no nats-server");
}

function lastLine(error: unknown): string {
  const { stderr } = error as { stderr?: string };
  const text = stderr?.trim() || (error instanceof Error ? error.message : String(error));
  return text.split("\n").at(-1) ?? text;
}
