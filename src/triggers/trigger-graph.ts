/** The graph of a new run: from the deployed plan, with the time of the deployment. */
import { graphFrom, type RunGraph } from "../domain/plan/run-graph.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { deployedAt } from "../platform/deployment.ts";
import type { Replayed } from "./accept.ts";

/** Builds the graph of each task once. */
export class TriggerGraphs {
  readonly #plan: Plan;
  readonly #graphs = new Map<string, RunGraph>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** The graph of a trigger of this task, or null if the task is not in peach.conf. */
  of(env: Env, task: string, replayed: Replayed | undefined): RunGraph | null {
    const graph = this.#planned(task);
    return graph === null ? null : asReplayed(dated(env, graph), replayed);
  }

  #planned(task: string): RunGraph | null {
    const known = this.#graphs.get(task);
    if (known !== undefined) return known;
    const graph = Object.hasOwn(this.#plan.tasks, task) ? graphFrom(this.#plan, task) : null;
    if (graph !== null) this.#graphs.set(task, graph);
    return graph;
  }
}

/** Adds the time of this deployment to the graph; limits order plans by it. */
function dated(env: Env, graph: RunGraph): RunGraph {
  const madeAt = deployedAt(env);
  const isLimited = graph.tasks.some(({ limits }) => limits !== undefined);
  return madeAt !== null && isLimited ? { ...graph, madeAt } : graph;
}

/** Gives the root the recorded input shape of the replayed run. */
function asReplayed(graph: RunGraph, replayed: Replayed | undefined): RunGraph {
  const [root, ...others] = graph.tasks;
  if (root === undefined || replayed === undefined) return graph;
  const { shape, parents } = replayed;
  return { ...graph, tasks: [{ ...root, shape, parents }, ...others] };
}
