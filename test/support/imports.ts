/** Which module imports what: the layer rule as a table, and the check of it. */

/** What each folder of `internal` may import: folders of `internal`, and packages by the first part of their names. */
export const LAYERS: Readonly<
  Record<string, { readonly folders: readonly string[]; readonly packages: readonly string[] }>
> = {
  core: { folders: [], packages: [] },
  ports: { folders: ["core"], packages: [] },
  patterns: { folders: ["core"], packages: ["node", "re2js"] },
  executor: { folders: ["core", "ports"], packages: [] },
  engine: { folders: ["core"], packages: [] },
  worker: { folders: ["core", "ports"], packages: [] },
  spec: { folders: ["core"], packages: ["node", "js-yaml", "zod", "croner", "fastest-levenshtein"] },
  contract: { folders: ["core", "ports", "spec"], packages: ["node", "zod"] },
  nats: {
    folders: ["core", "ports", "contract"],
    packages: ["node", "@nats-io", "env-paths", "proper-lockfile", "tar"],
  },
  memory: { folders: ["core", "ports"], packages: ["node"] },
  tasks: {
    folders: ["core", "ports"],
    packages: ["node", "@standard-schema", "dockerode", "execa", "mime", "piscina", "tar", "undici"],
  },
  telemetry: { folders: ["core", "ports"], packages: ["pino", "picocolors", "prom-client"] },
  server: { folders: ["core", "ports"], packages: ["node"] },
  config: { folders: ["core", "spec"], packages: ["node", "zod", "commander"] },
};

/** I/O libraries are named in a few files only. */
export const ONLY_IN: Readonly<Record<string, RegExp>> = {
  dockerode: /^internal\/tasks\/docker/,
  mime: /^internal\/tasks\/host-files/,
  execa: /^internal\/tasks\/(bash|secret-command)/,
  undici: /^internal\/tasks\/http/,
  piscina: /^internal\/tasks\/function-thread/,
  "@nats-io": /^internal\/nats\//,
  commander: /^(internal\/config|cmd)\//,
  pino: /^internal\/telemetry\//,
  "prom-client": /^internal\/telemetry\//,
  re2js: /^internal\/patterns\//,
  tar: /^internal\/(nats\/|tasks\/docker-archive)/,
  zod: /^internal\/(spec|contract|config)\//,
};

export interface Import {
  readonly from: string;
  readonly to: string;
}

/** The modules that a source text imports. */
export function importsOf(source: string): string[] {
  const statements = source.matchAll(/^\s*(?:import|export)\b(?:[^;"'=]*\bfrom)?\s*["']([^"']+)["'];/gm);
  return [...statements].map((match) => match[1] ?? "");
}

/** What is wrong with an import of a file; nothing when it is allowed. */
export function violation({ from, to }: Import): string | undefined {
  const name = to.startsWith("@") ? (to.split("/")[0] ?? "") : (to.split(/[/:]/)[0] ?? "");
  const only = ONLY_IN[name];
  if (only !== undefined && !only.test(from)) return `${from}: '${name}' is not for this place`;
  const folder = /^internal\/([^/]+)\//.exec(from)?.[1];
  if (folder === undefined) return undefined;
  const rule = LAYERS[folder];
  if (rule === undefined) return `${from}: the folder '${folder}' has no rule`;
  if (!to.startsWith(".")) {
    return rule.packages.includes(name) ? undefined : `${from}: '${folder}' may not import '${to}'`;
  }
  const target = new URL(to, `file:///${from}`).pathname.slice(1);
  const targetFolder = /^internal\/([^/]+)\//.exec(target)?.[1];
  if (targetFolder === folder || (targetFolder !== undefined && rule.folders.includes(targetFolder)))
    return undefined;
  return `${from}: '${folder}' may not import '${target}'`;
}
