/** What a setting is. */

/** `dag` is `dag run`; `check` is what reads definitions alone: `dag validate`; `look` is what asks a cluster: `dag status`, `dag cancel`, `dag workers`; `demo` is `npm start`; `up` is `dag up`. */
export type Command = "dag" | "check" | "look" | "executor" | "worker" | "demo" | "up";

/** How a setting's text is read. */
export type Kind =
  | "address"
  | "file"
  | "image"
  | "command"
  | "name"
  | "names"
  | "types"
  | "plugin-types"
  | "networks"
  | "images"
  | "mounts"
  | "user"
  | "variables"
  | "duration"
  | "count"
  | "bytes"
  | "level"
  | "switch";

export interface Setting {
  /** Without the dashes; the environment variable is `JETDAG_` and the same in capitals unless `env` says otherwise. */
  readonly flag: string;
  readonly env?: string;
  readonly kind: Kind;
  /** As a person would write it. */
  readonly default?: string;
  /** Of commands that have one where the others have none. */
  readonly defaults?: Readonly<Partial<Record<Command, string>>>;
  /** For counts, bytes and durations (in milliseconds); 0 unless set, and no duration is 0. */
  readonly min?: number;
  /** For the same; none unless set. */
  readonly max?: number;
  readonly sentence: string;
  readonly commands: readonly Command[];
}
