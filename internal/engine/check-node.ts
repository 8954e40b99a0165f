/**
 * The form of the nodes of a pipeline. They come out of the product's database, where anything may be; what is wrong
 * with their names and dependencies is the core's to say.
 */
import { OPERATORS } from "../core/edge-filter.ts";
import { isMap, notJson } from "../core/not-json.ts";
import { shown } from "../core/shown.ts";
import type { PipelineProblem } from "./errors.ts";

type Path = PipelineProblem["path"];
type Found = PipelineProblem[];

const FAN_MODES: readonly unknown[] = ["single", "aggregate", "grouped"];
const SELECTS: readonly unknown[] = ["largest", "smallest"];

/** What is wrong with the form of one node; other fields than those of nodes are the product's own. */
export function problemsOfNode(given: unknown, at: Path): Found {
  if (!isMap(given)) return [problem(at, `a node is a map with slug and plugin, not ${shown(given)}`)];
  const { slug, plugin, dependsOn, fanMode, edgeFilters, bindings } = given;
  return [
    ...text(slug, [...at, "slug"]),
    ...filled(plugin, [...at, "plugin"]),
    ...list(dependsOn, [...at, "dependsOn"], text),
    ...oneOf(FAN_MODES, fanMode, [...at, "fanMode"]),
    ...entries(edgeFilters, [...at, "edgeFilters"], problemsOfFilter),
    ...entries(bindings, [...at, "bindings"], problemsOfBinding),
  ];
}

/** Of what a pipeline asks for beside its bindings, by name. */
export function problemsOfInput(given: unknown, at: Path): Found {
  if (!isMap(given)) return [problem(at, `must be a map, not ${shown(given)}`)];
  return declared(given, at);
}

function problemsOfFilter(given: unknown, at: Path): Found {
  if (!isMap(given)) return [problem(at, `a filter is a map with rules and select, not ${shown(given)}`)];
  return [
    ...list(given.rules, [...at, "rules"], problemsOfRule),
    ...oneOf(SELECTS, given.select, [...at, "select"]),
  ];
}

function problemsOfRule(given: unknown, at: Path): Found {
  if (!isMap(given)) return [problem(at, `a rule is a map with field, op and value, not ${shown(given)}`)];
  const { field, op, value } = given;
  const isValue =
    typeof value === "string" ||
    (typeof value === "number" && Number.isFinite(value)) ||
    (Array.isArray(value) && value.every((each) => typeof each === "string"));
  return [
    ...filled(field, [...at, "field"]),
    ...(op === undefined ? [missing([...at, "op"])] : oneOf(OPERATORS, op, [...at, "op"])),
    ...(isValue ? [] : [problem([...at, "value"], `must be text, a number or a list of text${not(value)}`)]),
  ];
}

function problemsOfBinding(given: unknown, at: Path): Found {
  if (!isMap(given)) return [problem(at, `a binding is a map with source, not ${shown(given)}`)];
  switch (given.source) {
    case "previous_node":
      return [...filled(given.node, [...at, "node"]), ...filled(given.key, [...at, "key"])];
    case "config":
      return optional(given.value, [...at, "value"], text);
    case "runtime":
      return [...optional(given.key, [...at, "key"], text), ...declared(given, at)];
    case "expression":
      return text(given.expression, [...at, "expression"]);
    default: {
      const which = "previous_node, config, runtime, expression";
      return [problem([...at, "source"], `must be one of ${which}${not(given.source)}`)];
    }
  }
}

/** What is said of an input. */
function declared(given: Record<string, unknown>, at: Path): Found {
  const { required, default: preset } = given;
  const texts = ["label", "description", "placeholder"] as const;
  return [
    ...texts.flatMap((name) => optional(given[name], [...at, name], text)),
    ...(required === undefined || typeof required === "boolean"
      ? []
      : [problem([...at, "required"], `must be true or false, not ${shown(required)}`)]),
    ...optional(preset, [...at, "default"], json),
  ];
}

export function json(given: unknown, at: Path): Found {
  return notJson(given).map(({ path, message }) => problem([...at, ...path], message));
}

function text(given: unknown, at: Path): Found {
  return typeof given === "string" ? [] : [problem(at, `must be text${not(given)}`)];
}

function filled(given: unknown, at: Path): Found {
  return given === "" ? [problem(at, "must not be empty")] : text(given, at);
}

function oneOf(allowed: readonly unknown[], given: unknown, at: Path): Found {
  if (given === undefined || allowed.includes(given)) return [];
  return [problem(at, `must be one of ${allowed.join(", ")}, not ${shown(given)}`)];
}

type Check = (given: unknown, at: Path) => Found;

function optional(given: unknown, at: Path, check: Check): Found {
  return given === undefined ? [] : check(given, at);
}

function list(given: unknown, at: Path, check: Check): Found {
  if (given === undefined) return [];
  if (!Array.isArray(given)) return [problem(at, `must be a list, not ${shown(given)}`)];
  return given.flatMap((each, i) => check(each, [...at, i]));
}

function entries(given: unknown, at: Path, check: Check): Found {
  if (given === undefined) return [];
  if (!isMap(given)) return [problem(at, `must be a map, not ${shown(given)}`)];
  return Object.entries(given).flatMap(([name, each]) => check(each, [...at, name]));
}

function missing(at: Path): PipelineProblem {
  return problem(at, "is missing");
}
function problem(path: Path, message: string): PipelineProblem {
  return { path, message };
}
function not(given: unknown): string {
  return given === undefined ? "; it is missing" : `, not ${shown(given)}`;
}
