/**
 * Holds the runs of one root task, or one shard of them. Gives storage, clock, alarm and directory
 * to the decisions in `catalog-controller.ts`.
 */
import { DurableObject } from "cloudflare:workers";
import type { RunFilter, RunPlace, RunSummary } from "../../domain/run/summary.ts";
import { registerTask } from "./catalog-client.ts";
import { partNamed } from "./catalog-name.ts";
import { CatalogController, type CatalogHost } from "./catalog-controller.ts";
import type {
  CatalogRpc,
  ChangesAnswer,
  CountAnswer,
  FailuresAnswer,
  ListAnswer,
  MetricsAnswer,
  RecordAnswer,
  StatisticsAnswer,
  StatisticsQuery,
} from "./catalog-rpc.ts";
import { CatalogStore } from "./store.ts";
import { log } from "../../platform/log.ts";

/**
 * Time to collect reports for one commit: at a hundred ends of runs a second, a fifth of the
 * commits remain.
 */
const GATHER_MS = 50;

export class CatalogObject extends DurableObject<Env> implements CatalogRpc {
  #controller: CatalogController;
  /** Reports that arrive before this promise resolves share one commit. */
  #gathered: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#controller = this.#begin(null);
    // The alarm must be known before the first report: each report sets the alarm in its own
    // commit, and never to a later time.
    void ctx.blockConcurrencyWhile(async () => {
      this.#controller = this.#begin(await ctx.storage.getAlarm());
    });
  }

  #begin(alarmAt: number | null): CatalogController {
    const { ctx, env } = this;
    const part = partNamed(ctx.id.name ?? "");
    const host: CatalogHost = {
      now: () => Date.now(),
      // Not awaited: the output gate holds answers back until the alarm is durable.
      setAlarm: (at) => ctx.waitUntil(ctx.storage.setAlarm(at)),
      register: () => registerTask(env, part.task),
      waitUntil: (work) => ctx.waitUntil(work),
      failed: (what, error) => {
        log("error", `${what} failed`, { object: ctx.id.name, error });
      },
    };
    return new CatalogController(new CatalogStore(ctx.storage, part.task), part, host, alarmAt);
  }

  async record(summary: RunSummary, keep: boolean): Promise<RecordAnswer> {
    if (keep) await (this.#gathered ??= this.#gather());
    return this.#controller.record(summary, keep);
  }

  async #gather(): Promise<void> {
    await scheduler.wait(GATHER_MS);
    this.#gathered = null;
  }

  async list(filter: RunFilter, after: RunPlace | null, limit: number): Promise<ListAnswer> {
    return this.#controller.list(filter, after, limit);
  }

  async count(filter: RunFilter): Promise<CountAnswer> {
    return this.#controller.count(filter);
  }

  async changes(since: number | null, limit: number): Promise<ChangesAnswer> {
    return this.#controller.changes(since, limit);
  }

  async metrics(): Promise<MetricsAnswer> {
    return this.#controller.metrics();
  }

  async failures(since: number): Promise<FailuresAnswer> {
    return this.#controller.failures(since);
  }

  async statistics(query: StatisticsQuery): Promise<StatisticsAnswer> {
    return this.#controller.statistics(query);
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#controller.alarm(info?.scheduledTime ?? null);
  }
}
