import { NoSecret, type Secrets } from "../../internal/ports/secrets.ts";

/** Secrets that are known by these values; none by default. */
export function secretsOf(values: Readonly<Record<string, string>> = {}): Secrets {
  return {
    get: async (name) => {
      const value = values[name];
      if (value === undefined) throw new NoSecret(`there is no ${name} here`);
      return value;
    },
  };
}
