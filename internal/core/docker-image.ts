/** References of container images, complete: registry, repository, and tag or digest. */

export interface ImageReference {
  /** `docker.io`, `registry.example.com`, `localhost:5000`. */
  readonly registry: string;
  /** `library/python`, `team/app`. */
  readonly repository: string;
  /** A tag, or, where there is a digest, that: it alone says which image is meant then. */
  readonly version:
    { readonly kind: "tag"; readonly tag: string } | { readonly kind: "digest"; readonly digest: string };
}

const DEFAULT_REGISTRY = "docker.io";
const MAX_LENGTH = 512;
const HOST = /(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:]+\])(?::\d+)?/.source;
const PART = /[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/.source;
const TAG = /\w[\w.-]{0,127}/.source;
const DIGEST = /[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,128}/.source;

/** What a reference looks like. */
export const IMAGE = new RegExp(`^(?:${HOST}/)?${PART}(?:/${PART})*(?::${TAG})?(?:@${DIGEST})?$`);
export const IMAGE_RULE =
  "the reference of an image such as python:3.11-slim or registry.example.com/team/app:1.2";

/** Reads `python`, `python:3.11-slim`, `registry.example.com/team/app@sha256:…`; the message of what is wrong otherwise. */
export function parseImage(text: string): ImageReference | string {
  if (text.length > MAX_LENGTH || !IMAGE.test(text)) return `must be ${IMAGE_RULE}`;
  const [named = "", digest] = text.split("@");
  const { registry, path } = splitRegistry(named);
  const [repository = "", tag = "latest"] = path.split(":");
  const version =
    digest === undefined ? ({ kind: "tag", tag } as const) : ({ kind: "digest", digest } as const);
  return { registry, repository, version };
}

/** The complete reference: an engine that is given it cannot take it for anything else, such as the id of an image. */
export function imageName({ registry, repository, version }: ImageReference): string {
  const name = `${registry}/${repository}`;
  return version.kind === "tag" ? `${name}:${version.tag}` : `${name}@${version.digest}`;
}

/** The first part is a registry if it looks like a host; what is left out is Docker's own registry. */
function splitRegistry(named: string): { readonly registry: string; readonly path: string } {
  const slash = named.indexOf("/");
  const first = named.slice(0, Math.max(0, slash));
  // In a pattern, `*` alone is any registry.
  if (first !== "localhost" && first !== "*" && !/[.:A-Z]/.test(first)) return ofDefault(named);
  const path = named.slice(slash + 1);
  return first === `index.${DEFAULT_REGISTRY}` || first === DEFAULT_REGISTRY
    ? ofDefault(path)
    : { registry: first, path };
}

function ofDefault(path: string): { readonly registry: string; readonly path: string } {
  return { registry: DEFAULT_REGISTRY, path: path.includes("/") ? path : `library/${path}` };
}

/**
 * Which images are allowed: patterns in which `*` stands for any characters, such as `python:*`, `python:3.*` and
 * `registry.example.com/team/*`. They are completed as references are. Without a tag, or with the tag `*`, a pattern
 * is for every tag and digest; a tag pattern is not for digests, since an image that is named by its digest has none.
 */
export class ImagePatterns {
  readonly #patterns: readonly Pattern[];

  private constructor(patterns: readonly Pattern[]) {
    this.#patterns = patterns;
  }

  /** Reads entries of `--allow-image`; a text says what is wrong with one. */
  static of(entries: readonly string[]): ImagePatterns | string {
    const patterns: Pattern[] = [];
    for (const entry of entries) {
      const pattern = parsePattern(entry);
      if (pattern === undefined) {
        return `'${entry}' is no pattern for images such as python:*, registry.example.com/team/* or *`;
      }
      patterns.push(pattern);
    }
    return new ImagePatterns(patterns);
  }

  allows({ registry, repository, version }: ImageReference): boolean {
    const found = version.kind === "tag" ? version.tag : version.digest;
    return this.#patterns.some(
      ({ name, versions }) =>
        name.test(`${registry}/${repository}`) &&
        (versions === undefined || (versions.kind === version.kind && versions.pattern.test(found))),
    );
  }
}

interface Pattern {
  readonly name: RegExp;
  /** Any without it. */
  readonly versions?: { readonly kind: "tag" | "digest"; readonly pattern: RegExp };
}

function parsePattern(entry: string): Pattern | undefined {
  if (!/^[\w.*/:@[\]+-]+$/.test(entry)) return undefined;
  if (entry === "*") return { name: /^/ };
  const [named = "", digest, ...more] = entry.split("@");
  const { registry, path } = splitRegistry(named);
  const [repository = "", tag, ...rest] = path.split(":");
  if (more.length + rest.length > 0 || repository === "" || digest === "" || tag === "") return undefined;
  const name = globOf(`${registry}/${repository}`);
  if (digest !== undefined) return { name, versions: { kind: "digest", pattern: globOf(digest) } };
  if (tag === undefined || tag === "*") return { name };
  return { name, versions: { kind: "tag", pattern: globOf(tag) } };
}

function globOf(pattern: string): RegExp {
  return new RegExp(
    `^${pattern
      .split(/\*+/)
      .map((part) => part.replaceAll(/[.+[\]-]/g, String.raw`\$&`))
      .join(".*")}$`,
  );
}
