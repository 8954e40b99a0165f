/** `with` of tasks of type `docker`. What a field may be is judged in core, for workers too. */
import { z } from "zod";
import {
  type DockerFields,
  OWN_LABELS,
  PATTERNS,
  problemOfDockerField,
  PULL_POLICIES,
  RANGES,
} from "../core/docker-fields.ts";
import { IMAGE, IMAGE_RULE } from "../core/docker-image.ts";
import type { JsonValue } from "../core/json.ts";
import { flag, may, must, name, oneOf, text, whole } from "./fields.ts";
import { together } from "./together.ts";

const like = (kind: z.ZodString, pattern: RegExp, rule: string): z.ZodString =>
  kind.meta({ pattern: pattern.source, patternErrorMessage: `use ${rule}` });
const list = (of: z.ZodString): z.ZodArray =>
  z.array(of, { error: must("a list of text") }).meta({ title: "list of text" });
const path = like(text, PATTERNS.path, "a path that begins with /");
const volume = like(text, PATTERNS.volume, "/source:/target, name:/target, or either with :ro behind it");
const labels = z.record(z.string(), text, { error: must("a map of names to text") }).meta({
  title: "map of names to text",
  propertyNames: { pattern: `^(?!${OWN_LABELS.replace(".", "\\.")}).` },
});
const tmpfs = z
  .record(z.string(), whole(...RANGES.tmpfs), { error: must("a map of paths to numbers of MiB") })
  .meta({ title: "map of paths to MiB", propertyNames: { pattern: PATTERNS.path.source } });
const USER_RULE = "a user, or user:group, by name or number";
const user = z
  .union([like(text, PATTERNS.user, USER_RULE), whole(0, 4_294_967_295)], { error: must(USER_RULE) })
  .meta({ title: "user" });
const GPU_RULE = "a device id such as 0 or GPU-fef8089b";
const gpu = z.union([like(text, PATTERNS.gpu, GPU_RULE), whole(0, 255)], { error: must(GPU_RULE) });
const gpus = z
  .union([oneOf("all"), whole(...RANGES.gpus), z.array(gpu).min(1)], {
    error: must("all, a whole number from 1, or a list of device ids"),
  })
  .meta({ title: "`all`, a number or a list" });
const auth = z
  .strictObject(
    { username: name, password: name, server: name.optional() },
    { error: must("a map with username, password and server") },
  )
  .meta({ title: "map" });

const OPTIONS: { readonly [F in keyof Required<DockerFields>]: z.ZodOptional } = {
  image: may(
    like(text, IMAGE, IMAGE_RULE),
    "The image, such as `python:3.12` or `registry.example.com/team/app@sha256:…`. Without it the worker's `--docker-image`.",
  ),
  entrypoint: may(
    list(text),
    "What runs the command, which is its last argument, or runs by itself where the task has none; `[sh, -c]` by default. `[]` stands for the image's own entry point, which then gets `sh -c COMMAND`, or the image's own command where the task has none.",
  ),
  working_dir: may(path, "Folder in the container where it runs. Without it the image's own."),
  user: may(user, "Runs it as this user, `user:group`, by name or number. Without it the image's own."),
  network: may(
    like(text, PATTERNS.network, "bridge, none or the name of a network"),
    "`bridge`, `none`, or the name of a network of the engine.",
    "bridge",
  ),
  volumes: may(
    list(volume),
    "Folders of the worker's host, or volumes: `source:target`, or `source:target:ro`. Only what `--allow-mount` of the worker allows.",
  ),
  memory_mb: may(
    whole(...RANGES.memory_mb),
    "How many MiB of memory it may use, swap included; what needs more is killed.",
    1_024,
  ),
  cpu_quota: may(
    whole(...RANGES.cpu_quota),
    "Percent of one CPU that it may use: 50 is half of one, 200 is two. Without it there is no limit.",
  ),
  pids_limit: may(
    whole(...RANGES.pids_limit),
    "How many processes and threads it may have at a time.",
    1_024,
  ),
  gpus: may(
    gpus,
    "GPUs that it sees: all, so many, or those with these ids, as `nvidia-smi -L` lists them. The host of the engine needs a driver for them. None by default.",
  ),
  read_only: may(
    flag,
    "Nothing of the image can be written to; `tmpfs`, volumes and the output file can.",
    false,
  ),
  tmpfs: may(tmpfs, "Folders in memory, with what each may hold; it counts as memory of the task."),
  labels: may(labels, "Labels of the container, beside those that tell whose it is."),
  pull: may(
    oneOf(...PULL_POLICIES),
    "When the image is fetched: `always` asks the registry each time, `missing` only where the engine does not have it.",
    "missing",
  ),
  auth: may(
    auth,
    "For the registry of the image: `username`, `password` (as `secret://NAME`), and `server`, which must be that of the image.",
  ),
  remove_on_exit: may(
    flag,
    "`false` keeps the container after its end, for somebody to look at and to remove.",
    true,
  ),
};

export const dockerOptions = together(
  z.strictObject(OPTIONS, { error: must("a map of options of a docker task") }),
  (options, complain) => {
    for (const [field, value] of Object.entries(options)) {
      const message =
        value === undefined
          ? undefined
          : problemOfDockerField(field as keyof DockerFields, value as JsonValue);
      if (message !== undefined) complain(field, message);
    }
  },
);
