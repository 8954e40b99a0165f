/** Where the fold of a run and its plain model are not of one mind. */
import type { Artifact } from "../../internal/core/artifact.ts";
import type { AttemptId } from "../../internal/core/attempt.ts";
import type { RunFold } from "../../internal/core/run-fold.ts";
import type { ModelArtifact, ModelTask } from "./graph-model.ts";
import type { RunModel } from "./run-model.ts";

/** In words; `undefined` where there is none. */
export function differenceOf(fold: RunFold, model: RunModel): string | undefined {
  const { run } = model.graph;
  const told = `${fold.end ?? "running"} in generation ${fold.gen}`;
  const wanted = `${run} in generation ${model.gen}`;
  if (told !== wanted) return `the run is ${told}, not ${wanted}`;
  for (let position = 0; position < fold.graph.size; position++) {
    const { id } = fold.task(position);
    const tasks = model.graph.tasks.get(id);
    const count = fold.instances.countOf(position);
    if (count !== (tasks?.length ?? 1)) return `${id} has ${count} instances, not ${tasks?.length ?? 1}`;
    for (const [index, instance] of fold.instances.of(position).entries()) {
      const [is, shouldBe] = [foldSays(fold, instance), modelSays(model, tasks?.[index])];
      if (is !== shouldBe) return `${id}.${index} is ${is}, not ${shouldBe}`;
    }
  }
  const owed = fold.owed().map((each) => nameOf(fold.idOf(each)));
  const toBe = run === "running" ? model.owed().map(nameOf) : [];
  if (owed.toSorted().join() === toBe.toSorted().join()) return undefined;
  return `owed are ${owed.join(", ")}, not ${toBe.join(", ")}`;
}

function nameOf({ task, index, attempt }: Omit<AttemptId, "runId">): string {
  return `${task}.${index}.${attempt}`;
}

/** Attempt numbers count where there is an attempt. */
function foldSays(fold: RunFold, instance: number): string {
  const { instances, artifacts } = fold;
  const attempt = instances.wasBegun(instance) ? instances.attempt(instance) : 0;
  const isOwed = attempt > 0 && fold.isCurrent(instance, attempt);
  const input = artifacts.inputOf(instance)?.artifacts ?? null;
  return said(instances.state(instance), { attempt, isOwed, input, output: artifacts.producedBy(instance) });
}

function modelSays(model: RunModel, task: ModelTask | undefined): string {
  const isOver = model.graph.run !== "running";
  const none = { attempt: 0, isOwed: false, input: null, output: [] };
  if (task === undefined) return said(isOver ? "cancelled" : "pending", none);
  const attempt = model.attemptOf(task);
  const isOwed = task.state === "queued";
  const waits = attempt?.isRetrying === true ? "retrying" : "pending";
  const { input, artifacts: output } = task;
  return said(isOwed ? waits : task.state, { attempt: attempt?.number ?? 0, isOwed, input, output });
}

interface Said {
  readonly attempt: number;
  readonly isOwed: boolean;
  readonly input: readonly (Artifact | ModelArtifact)[] | null;
  readonly output: readonly (Artifact | ModelArtifact)[];
}

function said(state: string, { attempt, isOwed, input, output }: Said): string {
  const list = (artifacts: Said["output"]): string =>
    artifacts.map(({ id, origin }) => `${id} (${origin})`).join(", ");
  const what = `${state}, attempt ${attempt}${isOwed ? " owed" : ""}`;
  return `${what}, for ${input === null ? "nothing" : `[${list(input)}]`}, with [${list(output)}]`;
}
