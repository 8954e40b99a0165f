/**
 * A URL as it may be told, without user, password and query.
 *
 * Who reads a URL writes it otherwise: its host in lower case, its path encoded. A secret would not be found in it any
 * more, so what is told is read from the text after its secrets were masked. What others say of its host is put right.
 */
import { MASK } from "../core/mask.ts";

export class ToldUrl {
  readonly #url: URL;
  /** Nothing where no URL is left: all of it may be a secret, or its port. */
  readonly #told: URL | undefined;

  /** `masked` is the text that the URL was read from, and `base` told of what that began at. */
  constructor(url: URL, masked: string, base?: ToldUrl) {
    this.#url = url;
    const from = base === undefined ? undefined : base.#told?.href;
    if (URL.canParse(masked, from)) this.#told = new URL(masked, from);
  }

  /** What is behind the `?` is often a key. */
  toString(): string {
    if (this.#told === undefined) return MASK;
    const { origin, pathname } = this.#told;
    return `${origin}${pathname}${this.#url.search === "" ? "" : "?…"}`;
  }

  /** A message in which the host may be named. */
  within(message: string): string {
    const [host, told] = [this.#url, this.#told].map((url) => url?.hostname.replaceAll(/[[\]]/g, ""));
    return host === undefined || host === told ? message : message.replaceAll(host, told ?? MASK);
  }
}
