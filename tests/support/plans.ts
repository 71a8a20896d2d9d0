import type { SourcePlan, Step } from "../../buildpacks/plan.ts";

function steps(plan: SourcePlan, stage?: string): Step[] {
  const of = plan.stages.filter(({ name }) => stage === undefined || name === stage);
  return of.flatMap((one) => one.steps);
}

/** Commands of a plan, or of one of its stages. */
export function runsOf(plan: SourcePlan, stage?: string): string[] {
  return steps(plan, stage).flatMap((step) => ("run" in step ? step.run : []));
}

/** What is copied of the tree, a line for each step. */
export function copiesOf(plan: SourcePlan, stage?: string): string[] {
  return steps(plan, stage).flatMap((step) => ("copy" in step ? step.copy.join(" ") : []));
}
