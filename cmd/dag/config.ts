/** `dag config`: every setting in force for each program, and where it comes from. */
import { basename } from "node:path";
import type { Command } from "commander";
import { placesOf } from "../../internal/config/config-file.ts";
import { type InForce, settingsInForce, type Source, type Sources } from "../../internal/config/load.ts";
import { addSettings, givenFlags } from "../../internal/config/options.ts";
import { withConfigFile } from "../../internal/config/read-settings.ts";
import type { Command as Setup } from "../../internal/config/setting.ts";
import { fileKey } from "../../internal/config/settings.ts";
import { withoutSecrets } from "../../internal/nats/connection.ts";
import { formatDuration } from "../../internal/spec/duration.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { cut, table } from "../../internal/telemetry/text.ts";

const PROGRAMS = ["dag", "executor", "worker"] as const;
/** `dag` has commands with settings of their own. */
const COMMANDS: Readonly<Record<(typeof PROGRAMS)[number], readonly Setup[]>> = {
  dag: ["dag", "up"],
  executor: ["executor"],
  worker: ["worker"],
};

/** A setting of one program, as it is printed. */
interface Row {
  readonly program: string;
  readonly setting: string;
  /** As a configuration file may have it; `null` for what is not set. */
  readonly value: string | number | boolean | string[] | null;
  readonly source: Source;
}

/** The flags of every program: what would be in force with them. */
export function addConfigFlags(command: Command): void {
  for (const setup of Object.values(COMMANDS).flat()) addSettings(command, setup);
}

export async function config(
  { json }: { readonly json: boolean },
  command: Command,
  env: Sources["env"],
): Promise<number> {
  const given = Object.values(COMMANDS)
    .flat()
    .map((setup) => Object.entries(givenFlags(command, setup)));
  const sources = await withConfigFile({ flags: Object.fromEntries(given.flat()), env });
  const rows = PROGRAMS.flatMap((program) => {
    const all = COMMANDS[program].flatMap((setup) => settingsInForce(setup, sources));
    // The first command that has a setting speaks for the program.
    const own = all.filter(({ name }, i) => all.findIndex((each) => each.name === name) === i);
    return own.filter(({ name }) => name !== "config").map((each) => rowOf(program, each));
  });
  if (json) for (const row of rows) process.stdout.write(`${JSON.stringify(toJson(row))}\n`);
  else process.stdout.write(`${toTable(rows).join("\n")}\n\n${fileLine(sources)}\n`);
  return 0;
}

function rowOf(program: string, { setting, value, source }: InForce): Row {
  return { program, setting: fileKey(setting), source, value: shown() };

  function shown(): Row["value"] {
    if (value === undefined) return null;
    if (setting.kind === "address") return withoutSecrets(String(value));
    if (setting.kind === "duration") return formatDuration(Number(value));
    return value;
  }
}

function toJson({ program, setting, value, source }: Row): object {
  const where = source.kind === "default" ? null : source.name;
  return { program, setting, value, source: source.kind, where };
}

const HEAD = ["SETTING", "VALUE", "FROM", "OF"];
const GAPS = 6;
const NARROWEST = 10;

/** One line for programs that agree. A value or place that is too long is cut, not what comes after it. */
function toTable(rows: readonly Row[]): string[] {
  const lines = new Map<string, string[]>();
  for (const { program, setting, value, source } of rows) {
    const text = value === null ? "-" : String(value);
    const cells = [setting, text, placeOf(source)];
    const key = JSON.stringify(cells);
    const known = lines.get(key);
    if (known === undefined) lines.set(key, [...cells, program]);
    else known[3] = `${known[3]}, ${program}`;
  }
  const order = [...new Set(rows.map(({ setting }) => setting))];
  const sorted = [...lines.values()]
    .map(([setting = "", value = "", place = "", of = ""]) => [
      ...[setting, value, place],
      of === PROGRAMS.join(", ") ? "all" : of,
    ])
    .toSorted(([a = ""], [b = ""]) => order.indexOf(a) - order.indexOf(b));
  const width = lineWidth();
  return table(fitting([HEAD, ...sorted], width), { width });
}

/** The file's folder stands below the table. */
function placeOf(source: Source): string {
  if (source.kind === "default") return "default";
  return source.kind === "file" ? basename(source.name) : source.name;
}

/** Values and places share what the other columns leave. */
function fitting(rows: readonly (readonly string[])[], width: number): string[][] {
  const widest = (at: number): number => Math.max(...rows.map((row) => (row[at] ?? "").length));
  const left = Math.max(width - widest(0) - widest(3) - GAPS, NARROWEST * 2);
  const from = Math.min(widest(2), Math.max(Math.floor(left / 2), left - widest(1)));
  return rows.map(([name = "", value = "", place = "", of = ""]) => [
    name,
    cut(value, left - from),
    cut(place, from),
    of,
  ]);
}

function fileLine({ file, env }: Sources): string {
  if (file !== undefined) return `configuration file: ${file.path}`;
  return `no configuration file; looked for ${placesOf(env).join(" and ")}`;
}
