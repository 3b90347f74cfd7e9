/**
 * Checks invariant 3 for external tasks. While the task waits, the completion URL of a lost attempt counts too. The URL
 * of a failed or timed-out attempt completes nothing.
 */
import { parseRunId } from "../../../src/domain/ids.ts";
import type { AttemptDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { AttemptName } from "../clients.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import { AS_REPORTED } from "../payloads.ts";
import { isOver, type Seen, type Watcher } from "../watcher.ts";
import { taskOf } from "./order-check.ts";

const INVARIANT = "3 one winner";

export class ReportCheck {
  readonly #ground: Ground;
  readonly #watcher: () => Watcher;
  /** Reports on attempts that were over when they were sent: of which of the runs of an id, and how they had ended. */
  readonly #late = new Map<string, { readonly generation: number; readonly status: string }>();

  constructor(ground: Ground, watcher: () => Watcher) {
    this.#ground = ground;
    this.#watcher = watcher;
  }

  /** Somebody reports on an attempt. */
  sends(of: AttemptName, by: string): void {
    const [seen, attempt] = this.#attempt(of);
    if (seen === undefined || attempt === undefined || this.#late.has(by)) return;
    const { status, error } = attempt;
    const isItsOwn = status === "failed" && error?.message !== AS_REPORTED;
    if (status === "timed_out" || isItsOwn) this.#late.set(by, { generation: seen.generation, status });
  }

  /** What somebody was told who has reported. */
  answered(of: AttemptName, by: string, answer: string): void {
    const [seen, attempt] = this.#attempt(of);
    const task = seen === undefined ? undefined : taskOf(seen.run, of.name);
    const late = this.#late.get(by);
    const say = (status: string, detail: string): void =>
      this.#ground.violate(
        INVARIANT,
        `${by} of attempt ${of.attempt} of ${of.name} of ${of.runId}, which was ${status}, ${detail}`,
      );
    if (answer === "completed" && late !== undefined && late.generation === seen?.generation)
      say(late.status, "has completed the task");
    if (answer !== "not_waiting" || task === undefined || seen?.retries !== 0 || isOver(task.status)) return;
    const { status = "running" } = attempt ?? {};
    if (status === "lost" || status === "suspended" || status === "running")
      say(status, `is refused, and the task is ${task.status}`);
  }

  #attempt({ runId, name, attempt }: AttemptName): readonly [Seen | undefined, AttemptDocument | undefined] {
    const id = parseRunId(runId);
    const seen = id === null ? undefined : this.#watcher().runs.get(id);
    const task = seen === undefined ? undefined : taskOf(seen.run, name);
    return [seen, task?.attempts.find((one) => one.attempt === attempt)];
  }
}
