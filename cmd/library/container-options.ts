/** A container, as programs write it: the options of a docker task in a file, in camelCase. */
export interface ContainerOptions {
  /** Default: that of the worker, `python:3.11-slim`. */
  readonly image?: string;
  /** What runs the command, which is its last argument. Default `["sh", "-c"]`; `[]` is the image's own. */
  readonly entrypoint?: readonly string[];
  /** Default: the image's own. */
  readonly workingDir?: string;
  /** A user, or `user:group`, by name or number. Default: the image's own. */
  readonly user?: string | number;
  /** `bridge`, `none`, or the name of a network of the engine. Default `bridge`. */
  readonly network?: string;
  /** `source:target`, or `source:target:ro`: folders and volumes that the worker allows. Default none. */
  readonly volumes?: readonly string[];
  /** Swap included, in MiB. Default 1,024. */
  readonly memoryMb?: number;
  /** Percent of one CPU. Default no limit. */
  readonly cpuQuota?: number;
  /** How many processes and threads it may have at a time. Default 1,024. */
  readonly pidsLimit?: number;
  /** How many, or their ids. Default none. */
  readonly gpus?: number | "all" | readonly (string | number)[];
  /** Nothing of the image can be written to. Default false. */
  readonly readOnly?: boolean;
  /** Folders in memory, and how many MiB each may hold. Default none. */
  readonly tmpfs?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** When the image is fetched. Default `missing`. */
  readonly pull?: "always" | "missing" | "never";
  /** For the registry of the image; the password may be `secret://NAME`. */
  readonly auth?: { readonly username: string; readonly password: string; readonly server?: string };
  /** `false` keeps the container after its end. Default true. */
  readonly removeOnExit?: boolean;
}
