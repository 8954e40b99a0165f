/**
 * What who starts a run is asked for: the inputs that a DAG declares, those that bindings take, and those that
 * expressions name. And what a run begins with, when the form is filled in.
 */
import { type Bindings, inputNameOf, isBlank } from "./bindings.ts";
import { inputsIn } from "./expression/check.ts";
import { titleCase } from "./expression/text-pipes.ts";
import type { JsonObject, JsonValue } from "./json.ts";

/** What a DAG says of an input. */
export interface InputDeclaration {
  /** What a form calls it. Default: its name, in words. */
  readonly label?: string;
  readonly description?: string;
  /** What a form shows where nothing is filled in. */
  readonly placeholder?: string;
  /** No run is started without it. Default false. */
  readonly required?: boolean;
  /** Counts where nothing is given; blank is none. */
  readonly default?: JsonValue;
}

/** By the input's name. */
export type InputDeclarations = Readonly<Record<string, InputDeclaration>>;

export interface FormField {
  /** Under which its value is given. */
  readonly name: string;
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly required: boolean;
  /** Absent where there is none. */
  readonly default?: JsonValue;
}

/** What a task takes that who starts a run may be asked for. */
export interface Asking {
  readonly bindings?: Bindings | undefined;
  /** Those that stand elsewhere than in bindings. */
  readonly expressions?: readonly string[];
}

/**
 * The fields in order: those declared, those that bindings take, those that expressions name; each task after the
 * other. Of several of one name the first counts. Expressions that are wrong name nothing.
 */
export function formFields(declared: readonly FormField[], tasks: readonly Asking[]): FormField[] {
  const fields = new Map<string, FormField>();
  const add = (field: FormField): void => {
    if (!fields.has(field.name)) fields.set(field.name, field);
  };
  for (const field of declared) add(field);
  for (const { bindings = {} } of tasks) {
    for (const [field, binding] of Object.entries(bindings)) {
      if (binding.source === "runtime") add(toField(inputNameOf(field, binding), binding, field));
    }
  }
  for (const text of tasks.flatMap(expressionsOf)) {
    for (const name of inputsIn(text)) add(toField(name, {}));
  }
  return [...fields.values()];
}

function expressionsOf({ bindings = {}, expressions = [] }: Asking): readonly string[] {
  const bound = Object.values(bindings).flatMap((each) =>
    each.source === "expression" ? [each.expression] : [],
  );
  return [...bound, ...expressions];
}

export function toField(name: string, said: InputDeclaration, labelled: string = name): FormField {
  const { label = "", description, placeholder = "", required = false, default: preset } = said;
  return {
    name,
    label: label.trim() === "" ? inWords(labelled) : label,
    ...(description === undefined ? {} : { description }),
    ...(placeholder === "" ? {} : { placeholder }),
    required,
    ...(preset === undefined || isBlank(preset) ? {} : { default: preset }),
  };
}

/** `api_url` is `Api Url`. */
function inWords(name: string): string {
  return titleCase(name.replaceAll("_", " "));
}

/** What a run begins with, and the fields that must not be blank and are. */
export interface MergedInput {
  readonly input: JsonObject;
  readonly missing: readonly FormField[];
}

/**
 * The defaults of the fields, over them `defaults`, also where these are blank, and over them what is given, unless that
 * is blank. What no field asks for is kept.
 */
export function mergeInput(
  fields: readonly FormField[],
  defaults: JsonObject,
  given: JsonObject,
): MergedInput {
  const input = new Map<string, JsonValue>();
  for (const { name, default: preset } of fields) if (preset !== undefined) input.set(name, preset);
  for (const [name, value] of Object.entries(defaults)) input.set(name, value);
  for (const [name, value] of Object.entries(given)) if (!isBlank(value)) input.set(name, value);
  return {
    input: Object.fromEntries(input),
    missing: fields.filter(({ name, required }) => required && isBlank(input.get(name))),
  };
}
