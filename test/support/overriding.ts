/** A port as it is, but for some of its verbs. */
export function overriding<T extends object>(port: T, verbs: Partial<T>): T {
  return new Proxy(port, {
    get: (target, name) => {
      if (name in verbs) return verbs[name as keyof T];
      const value = target[name as keyof T];
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
