/** What has happened, as a hash of all of it; the lines themselves only where somebody wants to read them. */
export class Trace {
  readonly lines: string[] = [];
  readonly #keepsLines: boolean;
  #hash = 0x811c9dc5;

  constructor(keepsLines: boolean) {
    this.#keepsLines = keepsLines;
  }

  /** Two simulations of one seed have the same. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  add(time: number, label: string): void {
    let hash = this.#hash ^ Math.imul(Math.round(time * 1_000), 0x01000193);
    for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
    this.#hash = hash;
    if (this.#keepsLines) this.lines.push(`${(time / 1_000).toFixed(4).padStart(10)}  ${label}`);
  }
}
