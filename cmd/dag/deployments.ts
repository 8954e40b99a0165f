/** `dag deploy`, `dag list`, `dag show`, `dag diff`: definitions that the cluster keeps, with all their versions. */
import { createTwoFilesPatch } from "diff";
import type { Settings } from "../../internal/config/load.ts";
import { deployDag, findVersion } from "../../internal/executor/deployment.ts";
import type { DeployedVersion } from "../../internal/ports/catalog.ts";
import { readText } from "../../internal/spec/file.ts";
import { parseDag } from "../../internal/spec/parse.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { pc } from "../../internal/telemetry/colours.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import { table } from "../../internal/telemetry/text.ts";
import { type OpenCluster, withCluster } from "./cluster.ts";
import { versionOf } from "./definition.ts";
import { UsageError } from "./usage-error.ts";

interface Flags {
  readonly json: boolean;
}

export async function deploy(
  { json, types }: Flags & { readonly types: readonly string[] },
  settings: Settings,
  files: readonly string[],
): Promise<number> {
  const read = await Promise.all(
    files.map(async (file) => {
      const source = await readText(file);
      return { file, source, dag: parseDag(source, { file, types }) };
    }),
  );
  refuseSameName(read.map(({ file, dag }) => ({ file, name: dag.name })));
  return withCluster(settings, async (cluster) => {
    for (const { dag, source } of read) {
      const { version, isNew } = await deployDag({ dag, source }, cluster);
      if (json) process.stdout.write(`${toJson(version, { new: isNew })}\n`);
      else {
        const what = isNew ? "deployed as" : "unchanged; it is";
        process.stdout.write(`DAG '${version.name}' ${what} version ${version.version}\n`);
      }
    }
    return 0;
  });
}

function refuseSameName(all: readonly { readonly file: string; readonly name: string }[]): void {
  for (const [i, { file, name }] of all.entries()) {
    const before = all.slice(0, i).find((other) => other.name === name);
    if (before === undefined) continue;
    const what =
      before.file === file ? `${file} is named twice` : `${before.file} and ${file} are both DAG '${name}'`;
    throw new UsageError(`${what}: each name can be deployed once, so leave one out or rename its DAG`);
  }
}

export async function list(
  { json, tag }: Flags & { readonly tag?: string },
  settings: Settings,
): Promise<number> {
  const all = await withCluster(settings, ({ catalog }) => catalog.newest());
  const newest = tag === undefined ? all : all.filter(({ tags }) => tags.includes(tag));
  if (json) {
    for (const version of newest) process.stdout.write(`${toJson(version)}\n`);
  } else if (newest.length === 0) {
    const which = tag === undefined ? "no DAG is deployed" : `no DAG with tag '${tag}' is deployed`;
    process.stdout.write(`${which}; \`dag deploy FILE\` deploys one\n`);
  } else {
    const rows = newest.map((dag) => [
      dag.name,
      String(dag.version),
      String(dag.tasks),
      localTime(dag.deployedAt),
      dag.tags.join(","),
      dag.description?.split("\n", 1)[0] ?? "",
    ]);
    const head = ["DAG", "VERSION", "TASKS", "DEPLOYED", "TAGS", "DESCRIPTION"];
    process.stdout.write(`${table([head, ...rows], { width: lineWidth(), whole: 0 }).join("\n")}\n`);
  }
  return 0;
}

/** Prints the text that the version was deployed from, and nothing else, so that it can go into a file. */
export async function show(
  { json, version }: Flags & { readonly version?: string },
  settings: Settings,
  name: string,
): Promise<number> {
  return withCluster(settings, async ({ catalog, definitions }) => {
    const found = await findVersion(named(name, version), catalog);
    const source = await definitions.source(found.source);
    process.stdout.write(json ? `${toJson(found, { source })}\n` : withNewline(source));
    return 0;
  });
}

/** Compares two versions, or the newest version with a file. Exit code 0 when they are the same, else 1, as `diff` does. */
export async function diff(
  { json, from, to }: Flags & { readonly from?: string; readonly to?: string },
  settings: Settings,
  [name = "", file]: readonly string[],
): Promise<number> {
  if (file !== undefined && to !== undefined) {
    throw new UsageError("a file and --to exclude each other: both say what to compare with");
  }
  const [older, newer] = await withCluster(settings, async (cluster) => {
    const newest = await findVersion(named(name, to), cluster.catalog);
    const isFirst = newest.version === 1;
    const before = file === undefined && !isFirst ? String(newest.version - 1) : String(newest.version);
    const base = await sideOf(await findVersion(named(name, from ?? before), cluster.catalog), cluster);
    return [base, file === undefined ? await sideOf(newest, cluster) : await fileSide(file)] as const;
  });
  const isSame = older.text === newer.text;
  if (json) {
    process.stdout.write(`${JSON.stringify({ from: older.label, to: newer.label, same: isSame })}\n`);
  } else if (isSame) {
    process.stdout.write(`${older.label} and ${newer.label} are the same\n`);
  } else {
    const patch = createTwoFilesPatch(older.label, newer.label, older.text, newer.text);
    process.stdout.write(patch.split("\n").slice(1).map(painted).join("\n"));
  }
  return isSame ? 0 : 1;
}

interface Side {
  readonly label: string;
  readonly text: string;
}

async function sideOf(
  version: DeployedVersion,
  { definitions }: Pick<OpenCluster, "definitions">,
): Promise<Side> {
  const text = await definitions.source(version.source);
  return { label: `${version.name} (version ${version.version})`, text: withNewline(text) };
}

async function fileSide(file: string): Promise<Side> {
  return { label: file, text: withNewline(await readText(file)) };
}

function painted(line: string): string {
  if (line.startsWith("+")) return pc.green(line);
  return line.startsWith("-") ? pc.red(line) : line;
}

function withNewline(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

function named(name: string, version: string | undefined): { name: string; version?: number } {
  return { name, ...(version === undefined ? {} : { version: versionOf(version) }) };
}

function toJson(
  { name, version, tasks, tags, deployedAt, description }: DeployedVersion,
  more: object = {},
): string {
  const deployed_at = new Date(deployedAt).toISOString();
  return JSON.stringify({
    name,
    version,
    tasks,
    tags,
    deployed_at,
    description: description ?? null,
    ...more,
  });
}
