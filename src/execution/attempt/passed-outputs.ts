/** The outputs and the chosen children of one attempt, as its author sets them. */
import { nearest } from "../../domain/nearest.ts";
import { ProblemError, type Problem } from "../../domain/problem.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";

export class PassedOutputs {
  readonly #lease: Pick<Lease, "task" | "children" | "item">;
  readonly #toOne = new Map<string, unknown>();
  #toAll: { readonly data: unknown } | null = null;
  #chosen: readonly string[] | null = null;

  constructor(lease: Pick<Lease, "task" | "children" | "item">) {
    this.#lease = lease;
  }

  /** The chosen children; null if the attempt has not chosen. */
  get chosen(): readonly string[] | null {
    return this.#chosen;
  }

  /** The outputs of a task that returns `returned`. Explicitly passed data wins. */
  passed(returned: unknown): {
    readonly data: unknown;
    readonly to: ReadonlyMap<string, unknown>;
  } {
    return { data: this.#toAll === null ? returned : this.#toAll.data, to: this.#toOne };
  }

  /** Passes data to all children, or to the child `to`. */
  pass(data: unknown, to: string | undefined): void {
    if (to === undefined) {
      this.#toAll = { data };
      return;
    }
    this.#refuseInItem(
      "passToChildTask({to})",
      "What the items pass is one array for all downstream tasks.",
    );
    this.#refuseUnknown(to);
    this.#toOne.set(to, data);
  }

  /** Throws in an item, which cannot choose children. */
  refuseChoiceInItem(): void {
    this.#refuseInItem(
      "runOnlyChildTasks",
      "Choose in the downstream task, or in one before the items.",
    );
  }

  choose(names: readonly string[]): void {
    for (const name of names) this.#refuseUnknown(name);
    this.#chosen = names;
  }

  #refuseUnknown(name: string): void {
    const { task, children } = this.#lease;
    if (!children.includes(name))
      throw new ProblemError(unknownNeighbour(task, name, "downstream", children));
  }

  #refuseInItem(helper: string, hint: string): void {
    const { task, item } = this.#lease;
    if (item === undefined) return;
    throw new ProblemError({
      code: "invalid_request",
      detail: `${helper} was called in item ${item.index} of "${task}", which runs once per item.`,
      hint,
    });
  }
}

/** The refusal of a name that is not an upstream or downstream task of `task`. */
export function unknownNeighbour(
  task: string,
  name: string,
  where: "upstream" | "downstream",
  known: readonly string[],
): Problem {
  const meant = nearest(name, known);
  const list =
    known.length === 0 ? `It has no ${where} task.` : `Its ${where} tasks are ${known.join(", ")}.`;
  return {
    code: "unknown_task",
    detail: `"${name}" is no ${where} task of "${task}".`,
    hint: meant === null ? list : `Did you mean "${meant}"? ${list}`,
  };
}
