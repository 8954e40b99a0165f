/** The local cluster cannot be started; the message says why and what to do. Exit code 2. */
export class CannotStart extends Error {
  readonly code = "CANNOT_START";
  constructor(message: string) {
    super(message);
    this.name = "CannotStart";
  }
}
