/**
 * The two baselines as one worker, with the same tasks:
 * - Cloudflare Workflows: an instance a run, a `step.do` a task, `Promise.all` for parallel tasks;
 * - the bare bound: an object a run, and for each task a call in process and a row of its output,
 *   written by an RPC that is answered after its commit. No plan, no lease, no retry, no queue, no
 *   alarm: the cost that remains if everything else is free.
 */
import {
  DurableObject,
  WorkerEntrypoint,
  WorkflowEntrypoint,
  type WorkflowEvent,
  type WorkflowStep,
} from "cloudflare:workers";
import { perform, type Passed } from "./perform.ts";
import { parseBaton, workNamed, type Baton, type WorkName } from "./works.ts";

interface BaselineEnv {
  readonly BOUND: DurableObjectNamespace<BoundRun>;
  readonly WORKFLOW: Workflow<WorkflowParams>;
  readonly BLOBS: R2Bucket;
}

interface WorkflowParams {
  readonly work: WorkName;
  readonly baton: Baton;
}

const CREATE =
  "CREATE TABLE tasks (seq INTEGER PRIMARY KEY, name TEXT NOT NULL, passed TEXT NOT NULL) STRICT";
const INSERT = "INSERT INTO tasks (name, passed) VALUES (?, ?)";

export class BoundRun extends DurableObject<BaselineEnv> {
  accept(trigger: string): void {
    this.ctx.storage.transactionSync(() => {
      this.ctx.storage.sql.exec(CREATE);
      this.ctx.storage.sql.exec(INSERT, "trigger", trigger);
    });
  }

  settle(name: string, passed: string): void {
    this.ctx.storage.sql.exec(INSERT, name, passed);
  }
}

export class BenchWorkflow extends WorkflowEntrypoint<BaselineEnv, WorkflowParams> {
  override async run(
    { payload }: Readonly<WorkflowEvent<WorkflowParams>>,
    step: WorkflowStep,
  ): Promise<void> {
    await perform(payload.work, payload.baton, this.env.BLOBS, (name, task) => step.do(name, task));
  }
}

/**
 * Handles `POST /workflows/WORK` and `POST /bound/WORK` with a baton as the body. Answers 202 once
 * the run is recorded.
 */
export default class Baselines extends WorkerEntrypoint<BaselineEnv> {
  override async fetch(request: Request): Promise<Response> {
    const [, system = "", name = ""] = new URL(request.url).pathname.split("/");
    if (system === "healthz") return new Response("ok");
    const work = workNamed(name);
    if (work === null) return new Response(`there is no work "${name}"`, { status: 404 });
    const baton = parseBaton(await request.text());
    if (system === "workflows")
      await this.env.WORKFLOW.create({ id: baton.id, params: { work, baton } });
    else if (system === "bound") await this.#startBound(work, baton);
    else return new Response(`there is no system "${system}"`, { status: 404 });
    return Response.json({ id: baton.id }, { status: 202 });
  }

  async #startBound(work: WorkName, baton: Baton): Promise<void> {
    const run = this.env.BOUND.getByName(baton.id);
    await run.accept(JSON.stringify(baton));
    const carryOut = async (name: string, task: () => Promise<Passed>): Promise<Passed> => {
      const passed = await task();
      await run.settle(name, JSON.stringify(passed));
      return passed;
    };
    this.ctx.waitUntil(perform(work, baton, this.env.BLOBS, carryOut));
  }
}
