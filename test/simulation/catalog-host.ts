/** The platform around one object of the catalogue; the object itself is the real `CatalogProtocol` over the real `CatalogStore`. */
import { CatalogProtocol } from "../../src/catalog/catalog-protocol.ts";
import { CatalogStore } from "../../src/catalog/store.ts";
import type { RunSummary } from "../../src/core/run-summary.ts";
import type { Ground } from "../engine-simulation/ground/ground.ts";
import { PassingError } from "./invocation.ts";
import { MemoryStorage } from "../support/journal-storage.ts";

export class CatalogHost {
  readonly storage = new MemoryStorage(async () => {});
  readonly #ground: Ground;
  readonly #task: string;
  #alarmAt: number | null = null;
  #alarms = 0;
  #protocol: CatalogProtocol | null = null;
  #usedAt = 0;
  #lives = 0;

  constructor(task: string, ground: Ground) {
    this.#task = task;
    this.#ground = ground;
  }

  /** A call arrives. Throws a `PassingError` if the object is reset while it answers. */
  invoke<T>(what: string, work: (protocol: CatalogProtocol) => T): T {
    const ground = this.#ground;
    const where = (): string => `catalogue of ${this.#task}: ${what}`;
    const protocol = this.#wake();
    if (ground.strikes("reset_before_commit", where)) {
      const alarmAt = this.#alarmAt;
      this.storage.undoable("outer", (undo) => {
        work(protocol);
        undo();
      });
      this.#arm(alarmAt);
      this.reset();
      throw new PassingError("Durable Object reset");
    }
    const answer = work(protocol);
    if (ground.strikes("reset_after_commit", where)) {
      this.reset();
      throw new PassingError("Durable Object reset");
    }
    return answer;
  }

  /** What it lists, as it is. */
  list(): readonly RunSummary[] {
    return this.#wake().list({}, null, Number.MAX_SAFE_INTEGER).runs;
  }

  /** How many rows there are of runs. */
  get rows(): number {
    if (this.storage.isEmpty) return 0;
    const count = (table: string): number =>
      Number(this.storage.sql.exec(`SELECT count(*) AS rows FROM ${table}`).one()["rows"]);
    return count("runs") + count("days");
  }

  reset(): void {
    this.#protocol = null;
    this.#lives += 1;
  }

  #wake(): CatalogProtocol {
    const ground = this.#ground;
    const { now } = ground.scheduler;
    if (now - this.#usedAt > 10_000 && ground.dice.chance(0.7)) this.reset();
    this.#usedAt = now;
    const store = new CatalogStore(this.storage, this.#task);
    this.#protocol ??= new CatalogProtocol(
      store,
      { task: this.#task, shard: 0 },
      {
        now: () => ground.wall(),
        setAlarm: (at) => this.#arm(at),
        enlist: () => this.#inThisLife(() => {}),
        waitUntil: (work) => void work.catch((error: unknown) => ground.violate("no throw", String(error))),
        failed: (what, error) => ground.violate("no throw", `${what}: ${String(error)}`),
      },
      this.#alarmAt,
    );
    return this.#protocol;
  }

  /** Nothing goes on in a life that has ended. */
  #inThisLife<T>(answer: () => T): Promise<T> {
    const lives = this.#lives;
    return new Promise((resolve) => {
      this.#ground.scheduler.after(2, () => {
        if (lives === this.#lives) resolve(answer());
      });
    });
  }

  #arm(at: number | null): void {
    this.#alarmAt = at;
    const number = ++this.#alarms;
    if (at === null) return;
    const ground = this.#ground;
    const lateMs = ground.strikes("alarm_late", () => `catalogue of ${this.#task}`) ? 60_000 : 1;
    ground.scheduler.after(at - ground.wall() + lateMs, () => {
      if (number === this.#alarms) this.#fire(at);
    });
  }

  #fire(at: number): void {
    this.#alarmAt = null;
    try {
      this.invoke("alarm", (protocol) => protocol.alarm(at));
    } catch {
      // The platform calls the handler again, unless another alarm was set.
      if (this.#alarmAt === null) this.#arm(at);
    }
  }
}
