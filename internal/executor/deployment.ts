/** Deploys definitions under their names, and finds them again. */
import type { Dag } from "../core/model.ts";
import type { Catalog, DeployedVersion } from "../ports/catalog.ts";
import type { Definitions } from "../ports/definitions.ts";
import { BadInput } from "./executor.ts";

export interface DeploymentPorts {
  readonly catalog: Catalog;
  readonly definitions: Definitions;
}

export interface Deployment {
  readonly version: DeployedVersion;
  /** `false`: the newest version has the very same text. */
  readonly isNew: boolean;
}

/** Stores a definition as the next version of its name; `source` is the text that it was read from. */
export async function deployDag(
  { dag, source }: { readonly dag: Dag; readonly source: string },
  { catalog, definitions }: DeploymentPorts,
): Promise<Deployment> {
  const added = await catalog.add({
    name: dag.name,
    ...(dag.description === undefined ? {} : { description: dag.description }),
    tags: dag.tags,
    tasks: dag.tasks.length,
    definition: await definitions.put(dag),
    source: await definitions.putSource(source),
  });
  if (added !== undefined) return { version: added, isNew: true };
  return { version: await findVersion({ name: dag.name }, catalog), isNew: false };
}

/** Names that differ in case alone, or where one begins with the other. */
async function hintOf(name: string, catalog: Catalog): Promise<string> {
  const wanted = name.toLowerCase();
  const names = (await catalog.newest()).map((each) => each.name);
  const near = names.find((each) => {
    const known = each.toLowerCase();
    return known.startsWith(wanted) || wanted.startsWith(known);
  });
  return near === undefined ? "" : `, but '${near}' is`;
}

/** A version of a name, by default the newest. Rejects with `BadInput` when there is none. */
export async function findVersion(
  { name, version }: { readonly name: string; readonly version?: number },
  catalog: Catalog,
): Promise<DeployedVersion> {
  const versions = await catalog.versions(name);
  const newest = versions.at(-1);
  if (newest === undefined) {
    throw new BadInput(
      `no DAG '${name}' is deployed here${await hintOf(name, catalog)}; \`dag list\` tells which are`,
    );
  }
  const found = version === undefined ? newest : versions[version - 1];
  if (found === undefined) {
    throw new BadInput(`DAG '${name}' has no version ${version}: its versions are 1 to ${newest.version}`);
  }
  return found;
}
