/** `with` of tasks of type `bash`. */
import { z } from "zod";
import { command, may, must, name, oneOf, text, whole } from "./fields.ts";
import { together } from "./together.ts";

const code = whole(1, 255);
const codes = z.array(code, { error: must("a list of exit codes") }).meta({ title: "list of exit codes" });

const argument = z
  .union(
    [
      z.union([text, z.number(), z.boolean()]).transform(String),
      z.strictObject({ param: name.meta({ description: "The param whose value it is." }) }),
    ],
    { error: must("text, a number, true or false, or a map with param") },
  )
  .superRefine((value, context) => {
    const { error } = command.safeParse(typeof value === "string" ? value : value.param);
    for (const { message } of error?.issues ?? []) context.addIssue({ code: "custom", message });
  });

const options = z.strictObject(
  {
    file: may(name, "Path of a script on the worker, in place of `command`."),
    shell: may(
      name,
      "The program that runs the script, and arguments of its own, parted by blanks: `bash -eu -o pipefail`, `python3`. It gets the path of the script, and then `args`. Without it `bash -c`, and for a file `bash`.",
    ),
    args: may(
      z.array(argument, { error: must("a list of arguments") }).meta({ title: "list of arguments" }),
      "What the script finds as `$1`, `$2` …: each a text, or `{ param: NAME }` for the value of a param.",
    ),
    working_dir: may(
      name,
      "Where it runs. Without it an empty folder of its own, which is removed after it; `.` is where the worker runs.",
    ),
    stdin: may(text, "What it can read from stdin; without it nothing."),
    retry_on: may(codes, "Only after these exit codes there is another attempt, if `retries` has one left."),
    no_retry_on: may(codes, "After these exit codes there is no other attempt."),
    skip_code: may(
      code,
      "The exit code by which it says that there is nothing to do: it is skipped, and so is what depends on it.",
    ),
    output: may(
      oneOf("text", "json"),
      "With `json` the last line of stdout is its output: an object key by key, anything else as `result`.",
      "text",
    ),
  },
  { error: must("a map of options of a bash task") },
);

export const bashOptions = together(
  options,
  ({ retry_on: only, no_retry_on: never, skip_code: skip }, complain) => {
    if (only !== undefined && never !== undefined)
      complain("no_retry_on", "is not needed beside retry_on, which says all: use one of them");
    for (const [field, list] of Object.entries({ retry_on: only, no_retry_on: never })) {
      if (skip !== undefined && list?.includes(skip) === true)
        complain(field, `has ${skip}, which is the skip_code and no failure`);
    }
  },
);
