/** The definition that a command names: a DAG file, or the name of a DAG that was deployed. */
import { stat } from "node:fs/promises";
import type { Settings } from "../../internal/config/load.ts";
import type { Dag } from "../../internal/core/model.ts";
import { findVersion } from "../../internal/executor/deployment.ts";
import { loadDag, parseDag } from "../../internal/spec/parse.ts";
import { type OpenCluster, withCluster } from "./cluster.ts";
import { UsageError } from "./usage-error.ts";

export interface NamedDag {
  readonly name: string;
  /** From 1 up. Default: the newest. */
  readonly version?: number;
}

/** Whether it names a file; else it is the name of a deployed DAG. A file that is there comes first. */
export async function isFile(what: string): Promise<boolean> {
  if (/[/\\]|\.(ya?ml|json)$/i.test(what)) return true;
  return stat(what).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Rejects with `DefinitionError`, or with `BadInput` or `UsageError` when there is no such DAG. */
export async function loadDefinition(
  what: string,
  {
    settings,
    types,
    version,
  }: { readonly settings: Settings; readonly types: readonly string[]; readonly version?: number },
): Promise<Dag> {
  if (await isFile(what)) {
    if (version !== undefined) throw new UsageError("--version is for deployed DAGs; a file has no versions");
    return loadDag(what, { types });
  }
  if (settings.nats === undefined) {
    throw new UsageError(
      `there is no file '${what}'; a deployed DAG needs a cluster: give its address by --nats or NATS_URL`,
    );
  }
  const named = { name: what, ...(version === undefined ? {} : { version }) };
  return withCluster(settings, (cluster) => deployedDag(named, cluster));
}

/** A deployed DAG, read from the text that it was deployed from: its types were judged then. */
export async function deployedDag(
  named: NamedDag,
  { catalog, definitions }: Pick<OpenCluster, "catalog" | "definitions">,
): Promise<Dag> {
  const found = await findVersion(named, catalog);
  return parseDag(await definitions.source(found.source), {
    file: `${found.name} (version ${found.version})`,
    types: "any",
  });
}

/** Reads the number of a version. Throws `UsageError`. */
export function versionOf(text: string): number {
  const version = Number(text);
  if (Number.isInteger(version) && version >= 1) return version;
  throw new UsageError(`'${text}' is no version: versions are whole numbers from 1 up`);
}
