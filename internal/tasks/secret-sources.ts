/** Where secrets are looked for: the environment first, then a folder of files, then a command. The first that has one counts. */
import { accessSync, constants, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { NoSecret, type Secrets } from "../ports/secrets.ts";

/** One place where secrets may be. */
export interface SecretSource {
  /** Where in it the secret of this name would be, as a person reads it. */
  placeOf(name: string): string;
  /** Its value; nothing when it has none of the name. Rejects with `NoSecret` when it cannot be read. */
  find(name: string): Promise<string | undefined>;
}

/** `more` says what to do where none of the sources has a secret. */
export function secretsFrom(sources: readonly SecretSource[], more: string): Secrets {
  return {
    get: async (name) => {
      for (const source of sources) {
        const value = await source.find(name);
        if (value !== undefined) return value;
      }
      const places = sources.map((source) => source.placeOf(name)).join(" or ");
      throw new NoSecret(`there is no ${places}; ${more}`);
    },
  };
}

const VARIABLE = "JETDAG_SECRET_";

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables, of this process by default. One that is empty is none. */
export function secretsOfEnvironment(env: Environment = process.env): SecretSource {
  return {
    placeOf: (name) => `variable ${VARIABLE}${name}`,
    find: async (name) => {
      const value = env[`${VARIABLE}${name}`];
      return value === "" ? undefined : value;
    },
  };
}

/** Files that are called as the secrets are; what they hold, without one newline at the end. */
export function secretsOfFolder(folder: string): SecretSource {
  const placeOf = (name: string): string => `file ${join(folder, name)}`;
  return {
    placeOf,
    find: async (name) => {
      try {
        return asText(await readSmall(join(folder, name)));
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === "ENOENT") return undefined;
        const why = error instanceof NoSecret ? error.message : (code ?? "for a reason not known");
        throw new NoSecret(`the ${placeOf(name)} cannot be read: ${why}`);
      }
    },
  };
}

export const MAX_SECRET_BYTES = 64 * 1_024;

/** A pipe is not waited for, and a device not read. Links are followed: Kubernetes mounts secrets so. */
async function readSmall(path: string): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new NoSecret("it is no file");
    const buffer = new Uint8Array(MAX_SECRET_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length);
      length += bytesRead;
      if (length > MAX_SECRET_BYTES) throw new NoSecret(`it has more than ${MAX_SECRET_BYTES} bytes`);
      if (bytesRead === 0) return buffer.subarray(0, length);
    }
  } finally {
    await file.close();
  }
}

/** What was written as text, less one newline at the end. Throws `NoSecret`, which says what is none. */
export function asText(bytes: Uint8Array, what = "it"): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch {
    throw new NoSecret(`${what} is no text in UTF-8`);
  }
}

/** Where programs are looked for if the environment does not say. */
const DEFAULT_PATH = "/usr/bin:/bin";

/** Why the program of a command could not be started; nothing when it could, as far as can be seen. */
export function problemOfCommand(
  [program = ""]: readonly string[],
  { PATH: path = DEFAULT_PATH }: Environment = process.env,
): string | undefined {
  const hasFolder = program.includes("/");
  const files = hasFolder ? [program] : path.split(delimiter).map((folder) => join(folder, program));
  const there = files.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
  if (there.some(isExecutable)) return undefined;
  const [first] = there;
  if (first !== undefined) return `${first} may not be executed`;
  return hasFolder
    ? `there is no program ${program}`
    : `there is no program '${program}' in the folders of PATH`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
