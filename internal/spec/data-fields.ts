/** What a definition says of data between tasks: outputs, edge filters, bindings, and the inputs of a run. */
import { z } from "zod";
import { OPERATORS } from "../core/edge-filter.ts";
import { parseGlob } from "../core/glob.ts";
import { anything, flag, may, must, name, oneOf, text } from "./fields.ts";
import { isMap } from "../core/not-json.ts";
import { shown } from "../core/shown.ts";

const MAX_OUTPUTS = 100;

const output = text
  .superRefine((value, context) => {
    const problem = parseGlob(value);
    if (typeof problem === "string") context.addIssue({ code: "custom", message: problem });
  })
  .meta({
    title: "path or pattern",
    pattern: "^[^/]",
    patternErrorMessage: "use a path or a pattern from the task's own folder on, such as out/*.csv",
  });

export const outputs = z
  .array(output, { error: must("a list of paths and patterns") })
  .max(MAX_OUTPUTS, { error: `has more than ${MAX_OUTPUTS} patterns; write fewer, with wildcards` })
  .meta({ title: "list of paths and patterns" });

const NO_RULE_VALUE = { error: must("text, a number or a list of text; write true and false in quotes") };
const listed = z.string({ error: must("text; write it in quotes") });
const rule = z.strictObject(
  {
    field: name.meta({
      description:
        "`file_type`, `extension`, `file_size`, `file_name` or `mime_type`; any other name is a key of the metadata.",
    }),
    op: oneOf(...OPERATORS).meta({ description: "How the field is compared with the value." }),
    value: z
      .union([text, z.number(), z.array(listed)], NO_RULE_VALUE)
      .meta({ title: "text, number or list of text", description: "What it is compared with." }),
  },
  { error: must("a rule: a map with field, op and value") },
);

const filter = z.strictObject(
  {
    rules: may(
      z.array(rule, { error: must("a list of rules") }).meta({ title: "list of rules" }),
      "An artifact passes when all of them hold.",
    ),
    select: may(
      oneOf("largest", "smallest"),
      "Of those that pass and have a size one alone; of several of that size the first.",
    ),
  },
  { error: must("a map with rules and select") },
);

export const edgeFilters = z
  .record(z.string(), filter, { error: must("a map of task ids to filters") })
  .meta({ title: "map of task ids to filters" });

const SOURCES = ["previous_node", "config", "runtime", "expression"] as const;
const source = <S extends (typeof SOURCES)[number]>(of: S): z.ZodLiteral<S> =>
  z.literal(of).meta({ description: "Where the value comes from." });

const label = may(text, "What a form calls it. Without it the name, in words.");
const placeholder = may(text, "What a form shows where nothing is filled in.");
const required = may(flag, "No run is started without it.", false);
const preset = may(anything, "What counts where nothing is given; blank is none.");

const previousNode = z.strictObject({
  source: source("previous_node"),
  node: text.meta({ description: "One of the tasks in `depends_on`." }),
  key: text.meta({
    description:
      "`file_path`, `file_name`, `file_size` or `mime_type` of its artifacts; any other name is a key of their metadata, or of its output.",
  }),
});
const config = z.strictObject({
  source: source("config"),
  value: may(text, "The text itself; `$NAME` is the secret of that name."),
});
const runtime = z.strictObject({
  source: source("runtime"),
  key: may(text, "Name of the input of the run. Without it that of the field."),
  label,
  placeholder,
  required,
  default: preset,
});
const expression = z.strictObject({
  source: source("expression"),
  expression: text.meta({ description: "Text with `{…}` in it." }),
});

const binding = z.discriminatedUnion("source", [previousNode, config, runtime, expression], {
  error: ({ input }) => {
    if (!isMap(input)) return must("a map with source")({ input });
    const rule = `one of ${SOURCES.join(", ")}`;
    return input.source === undefined
      ? `is missing; it must be ${rule}`
      : `must be ${rule}, not ${shown(input.source)}`;
  },
});

export const bindings = z
  .record(z.string(), binding, { error: must("a map of fields to bindings") })
  .meta({ title: "map of fields to bindings" });

const input = z.strictObject(
  {
    label,
    description: may(text, "What it is, for people to read."),
    placeholder,
    required,
    default: preset,
  },
  { error: must("a map with label, description, placeholder, required and default") },
);

export const inputs = z
  .record(z.string(), input, { error: must("a map of names to inputs") })
  .superRefine((given, context) => {
    if (Object.hasOwn(given, ""))
      context.addIssue({ code: "custom", message: "has an input without a name: write one" });
  })
  .meta({ title: "map of names to inputs", propertyNames: { minLength: 1 } });
