/** What must not be left out: each of these is taken out of a copy of the sources, and the simulation must notice. */
export interface Mutation {
  readonly name: string;
  readonly patches: readonly Patch[];
}

/** `from` stands in the file exactly once. */
export interface Patch {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
