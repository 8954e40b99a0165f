/** What each field of a docker task may be: the one place that judges them, for files and for workers. */
import { parseImage } from "./docker-image.ts";
import type { JsonObject, JsonValue } from "./json.ts";

/** A folder, file or named volume that a container sees at `target`. */
export interface Volume {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export const PULL_POLICIES = ["always", "missing", "never"] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
  /** Host of the registry; that of the image by default, and never another. */
  readonly server?: string;
}

export interface DockerFields {
  readonly image?: string;
  /** What runs the command, which is its last argument; none: what the image has. */
  readonly entrypoint?: readonly string[];
  readonly working_dir?: string;
  /** A number is the id of a user. */
  readonly user?: string | number;
  readonly network?: string;
  readonly volumes?: readonly string[];
  readonly memory_mb?: number;
  /** Percent of one CPU. */
  readonly cpu_quota?: number;
  readonly pids_limit?: number;
  /** How many, or which, by the ids that their driver gives them. */
  readonly gpus?: number | "all" | readonly (string | number)[];
  readonly read_only?: boolean;
  /** Paths, and how many MiB each may hold. */
  readonly tmpfs?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly pull?: PullPolicy;
  readonly auth?: RegistryAuth;
  readonly remove_on_exit?: boolean;
}

/** From and to, of fields that are whole numbers. An engine takes no less than 6 MiB. */
export const RANGES = {
  memory_mb: [6, 16_777_216],
  cpu_quota: [1, 100_000],
  pids_limit: [1, 4_194_304],
  gpus: [1, 64],
  tmpfs: [1, 16_777_216],
} as const satisfies Record<string, readonly [number, number]>;

/** Where the params and the output of a task are in its container. */
export const OWN_FOLDER = "/jetdag";
/** Labels that begin so tell us whose a container is. */
export const OWN_LABELS = "jetdag.";

/** What texts look like; fields that are made of paths, too. */
export const PATTERNS = {
  path: /^\/[^:\0]{0,4095}$/,
  user: /^(?!\d+\.)\w[\w.-]{0,63}(?::\w[\w.-]{0,63})?$/,
  gpu: /^\w[\w.:=/-]{0,255}$/,
  network: /^(?:container:)?\w[\w.-]{0,127}$/,
  volume: /^(?<source>\/[^:\0]*|[A-Za-z0-9][\w.-]{1,127}):(?<target>\/[^:\0]+)(?::(?<mode>r[ow]))?$/,
} as const;

/** What is wrong with a value, as the rest of a sentence that begins with the field's name. */
type Check = (value: JsonValue) => string | undefined;

const RULES: Readonly<Record<keyof DockerFields, Check>> = {
  image: (value) => {
    const read = typeof value === "string" ? parseImage(value) : "must be text";
    return typeof read === "string" ? read : undefined;
  },
  entrypoint: (value) => unless(isList(value, isArgument), "must be a list of text"),
  working_dir: (value) => unless(isPath(value), "must be a path that begins with /"),
  user: (value) =>
    unless(
      isMatch(typeof value === "number" ? String(value) : value, PATTERNS.user),
      "must be a user, or user:group, by name or number",
    ),
  network: (value) =>
    unless(isMatch(value, PATTERNS.network), "must be bridge, none or the name of a network"),
  volumes: problemOfVolumes,
  memory_mb: whole("memory_mb"),
  cpu_quota: whole("cpu_quota"),
  pids_limit: whole("pids_limit"),
  gpus: problemOfGpus,
  read_only: problemOfFlag,
  tmpfs: problemOfTmpfs,
  labels: problemOfLabels,
  pull: (value) =>
    unless(
      PULL_POLICIES.some((each) => each === value),
      `must be one of ${PULL_POLICIES.join(", ")}`,
    ),
  auth: problemOfAuth,
  remove_on_exit: problemOfFlag,
};

export const DOCKER_FIELDS = Object.keys(RULES) as readonly (keyof DockerFields)[];

export function isDockerField(name: string): name is keyof DockerFields {
  return Object.hasOwn(RULES, name);
}

/** What is wrong with a field; the value of one that is left out is never asked about. */
export function problemOfDockerField(field: keyof DockerFields, value: JsonValue): string | undefined {
  return RULES[field](value);
}

/** Reads `source:target`, `source:target:ro` or `source:target:rw`; the message of what is wrong otherwise. */
export function parseVolume(text: string): Volume | string {
  const { source, target, mode } = PATTERNS.volume.exec(text)?.groups ?? {};
  if (source === undefined || target === undefined) {
    return `'${text}' is no volume; write /source:/target, name:/target, or either with :ro behind it`;
  }
  const problem = problemOfTarget(target);
  if (problem !== undefined) return `'${text}': the target ${problem}`;
  return { source, target, readOnly: mode === "ro" };
}

/** What `--allow-mount` may name. */
export interface MountRoot {
  /** A folder, or the name of a volume. */
  readonly source: string;
  readonly readOnly: boolean;
}

/** Reads `/folder`, `name`, or either with `:ro` or `:rw` behind it; the message of what is wrong otherwise. */
export function parseMountRoot(entry: string): MountRoot | string {
  const source = entry.replace(/:r[ow]$/, "");
  const isSource = /^(?:\/[^:\0]*|[A-Za-z0-9][\w.-]{1,127})$/.test(source);
  if (isSource) return { source, readOnly: entry.endsWith(":ro") };
  return `'${entry}' is neither a path that begins with / nor the name of a volume`;
}

function problemOfVolumes(value: JsonValue): string | undefined {
  if (!isList(value, isText)) return "must be a list of text such as /data/in:/in:ro";
  const read = value.map(parseVolume);
  const wrong = read.find((each) => typeof each === "string");
  if (wrong !== undefined) return wrong;
  const targets = read.flatMap((each) => (typeof each === "string" ? [] : each.target));
  const twice = targets.find((target, i) => targets.indexOf(target) !== i);
  return twice === undefined ? undefined : `have the target ${twice} twice`;
}

function problemOfGpus(value: JsonValue): string | undefined {
  const isOne = (id: JsonValue): id is string =>
    isMatch(typeof id === "number" ? String(id) : id, PATTERNS.gpu);
  if (value === "all" || (isList(value, isOne) && value.length > 0)) return undefined;
  return whole("gpus", "all, a list of device ids, or ")(value);
}

function problemOfTmpfs(value: JsonValue): string | undefined {
  const rule = "must be a map of paths to numbers of MiB, such as { /tmp: 64 }";
  if (!isMap(value)) return rule;
  for (const [path, size] of Object.entries(value)) {
    const problem = problemOfTarget(path) ?? whole("tmpfs")(size);
    if (problem !== undefined) return `${path}: ${problem}`;
  }
  return undefined;
}

function problemOfLabels(value: JsonValue): string | undefined {
  if (!isMap(value) || !Object.values(value).every(isArgument)) return "must be a map of names to text";
  const wrong = Object.keys(value).find((name) => name === "" || name.startsWith(OWN_LABELS));
  return unless(
    wrong === undefined,
    `'${wrong}' cannot be a label: names that begin with ${OWN_LABELS} are taken`,
  );
}

function problemOfAuth(value: JsonValue): string | undefined {
  if (!isMap(value)) return "must be a map with username, password and server";
  const { username, password, server, ...more } = value;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) return `has an unknown field '${unknown}'; use username, password, server`;
  if (!isText(username) || !isText(password)) return "needs username and password, both text";
  return unless(server === undefined || isText(server), "server must be the host of a registry");
}

function problemOfTarget(path: string): string | undefined {
  if (!isPath(path)) return "must be a path that begins with /";
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0) return "must not be /";
  if (parts.includes("..")) return "must not have .. in it";
  const [first, ...below] = parts;
  if (`/${first}` === OWN_FOLDER) return `must not be in ${OWN_FOLDER}, where a task's own files are`;
  // Below it are places for tasks, such as /dev/shm.
  if (first === "dev" && below.length === 0) return "must not be /dev, which is the system's";
  return unless(first !== "proc" && first !== "sys", `must not be in /${first}, which is the system's`);
}

function problemOfFlag(value: JsonValue): string | undefined {
  return unless(typeof value === "boolean", "must be true or false");
}

function whole(field: keyof typeof RANGES, others = ""): Check {
  const [from, to] = RANGES[field];
  return (value) =>
    unless(
      typeof value === "number" && Number.isInteger(value) && value >= from && value <= to,
      `must be ${others}a whole number from ${from} to ${to}`,
    );
}

function unless(isFine: boolean, problem: string): string | undefined {
  return isFine ? undefined : problem;
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === "string" && value !== "" && !value.includes("\0");
}

/** An argument may be empty. */
function isArgument(value: JsonValue): value is string {
  return typeof value === "string" && !value.includes("\0");
}

function isMatch(value: JsonValue, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}

/** A colon would part it for an engine. */
function isPath(value: JsonValue): boolean {
  return isMatch(value, PATTERNS.path);
}

function isList<T extends JsonValue>(value: JsonValue, of: (each: JsonValue) => each is T): value is T[] {
  return Array.isArray(value) && value.every(of);
}

function isMap(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
