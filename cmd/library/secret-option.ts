/** Secrets as a program that embeds an executor hands them out. */
import type { Observer } from "../../internal/ports/observer.ts";
import { NoSecret, type Secrets } from "../../internal/ports/secrets.ts";
import { secretsFrom, secretsOfEnvironment } from "../../internal/tasks/secret-sources.ts";

/** The value of the secret of this name; nothing when there is none. */
export type FindSecret = (name: string) => string | undefined | Promise<string | undefined>;

export function secretsOfOption(find: FindSecret | undefined, observer: Observer): Secrets {
  if (find === undefined) {
    const more = "set it in this process, or give the executor the option `secrets`";
    return secretsFrom([secretsOfEnvironment()], more);
  }
  const failed = (name: string, error: unknown): never => {
    if (error instanceof NoSecret) throw error;
    observer.observe({ kind: "trouble", what: `looking for the secret '${name}'`, error: String(error) });
    throw new NoSecret("the executor's option `secrets` has failed");
  };
  return {
    get: async (name) => {
      const value: unknown = await Promise.resolve(name)
        .then(find)
        .catch((error: unknown) => failed(name, error));
      if (typeof value === "string") return value;
      const what = value === undefined ? "has none of this name" : "gave something that is no text";
      throw new NoSecret(`the executor's option \`secrets\` ${what}`);
    },
  };
}
