/** `dag new NAME`: a commented DAG file to begin with. */
import { readFile, writeFile } from "node:fs/promises";
import { NAME, NAME_RULE } from "../../internal/core/check.ts";
import { readYaml } from "../../internal/spec/yaml.ts";
import { columns } from "../../internal/telemetry/text.ts";
import { UsageError } from "./usage-error.ts";

/** Of the package; what runs lies in `dist/cmd/dag`. */
const STARTER = new URL("../../../examples/starter.yaml", import.meta.url);

/** Writes `NAME.yaml` into the working folder; a file that is there stays as it is. */
export async function newDag(name: string, { json }: { readonly json: boolean }): Promise<number> {
  checkName(name);
  const file = `${name}.yaml`;
  await write(file, starterFor(name, await readFile(STARTER, "utf8")));
  if (json) {
    process.stdout.write(`${JSON.stringify({ dag: name, file })}\n`);
    return 0;
  }
  const next = columns([
    [`dag validate ${file}`, "checks it: every problem, with its line"],
    [`dag run ${file}`, "runs it in this process, without a server"],
  ]);
  const lines = [`${file} is written: a DAG that works as it is.`, "", "What to try next:"];
  process.stdout.write(`${[...lines, ...next.map((line) => `  ${line}`)].join("\n")}\n`);
  return 0;
}

function checkName(name: string): void {
  if (NAME.test(name) && !name.startsWith("-")) return;
  const bare = name.replace(/\.(?:ya?ml|json)$/, "");
  const hint = bare !== name && NAME.test(bare) ? `; try 'dag new ${bare}'` : "";
  throw new UsageError(
    `'${name}' cannot name a DAG and its file: it must be ${NAME_RULE}, and not begin with -${hint}`,
  );
}

function starterFor(name: string, starter: string): string {
  const read = readYaml(name);
  // Such as 123, true and null.
  const isText = "value" in read && read.value === name;
  return starter
    .replace(/^name: starter$/m, `name: ${isText ? name : JSON.stringify(name)}`)
    .replaceAll("starter.yaml", `${name}.yaml`);
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === "EEXIST"
        ? `${file} is there already and was left as it is: take another name, or move it away`
        : `${file} cannot be written: ${message}`,
    );
  }
}
