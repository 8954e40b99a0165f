/** `with` of tasks of type `bash`. */
import { z } from "zod";
import { may, must, name } from "./fields.ts";

export const bashOptions = z.strictObject(
  {
    shell: may(
      name,
      "The program that runs the script, and its arguments before the script, such as `bash -eu -c`.",
    ),
  },
  { error: must("a map of options of a bash task") },
);
