/**
 * Checks the payloads of triggers that Peach makes: schedules, object notifications, and
 * `on_failure`. The worker parses each payload with the task's `input` again when a trigger fires.
 * The check therefore reports only payloads that the task is certain to refuse.
 */
import type { CheckedProject } from "../compile.ts";
import type { Report } from "../diagnostic.ts";
import type { Span } from "../source.ts";
import type { z } from "zod";
import { compareSets } from "./compare-sets.ts";
import { pathText } from "./edge-reports.ts";
import { exportSpan } from "./export-span.ts";
import { methodKey, type MethodSets } from "./method-sets.ts";
import type { KnownValue } from "./reader-questions.ts";
import { SchemaSets } from "./schema-sets.ts";
import { showSet } from "./show-set.ts";
import {
  dueTimePayload,
  failureSummary,
  objectPayload,
  scheduledPayload,
} from "./trigger-payloads.ts";
import { ANY, arrayOf, resolved } from "./value-set.ts";

/**
 * Returns the payloads of schedules that peach.conf gives as values. The reader process parses them
 * with the schema of the task. An id is the task's name and the index of the schedule.
 */
export function knownPayloads({ compiled, methods }: CheckedProject): KnownValue[] {
  return Object.values(compiled?.plan.tasks ?? {}).flatMap(({ name, schedules, each }) => {
    const method = methods.tasks.get(name);
    if (method === undefined) return [];
    return schedules.flatMap((schedule, index) =>
      schedule.payload === null
        ? []
        : [
            {
              id: `${name} ${index}`,
              key: methodKey(method),
              value: scheduledPayload(schedule),
              isItem: each !== null,
            },
          ],
    );
  });
}

/** Reports each trigger whose payload the task refuses. */
export function checkTriggers(project: CheckedProject, sets: MethodSets, report: Report): void {
  const { compiled, loaded } = project;
  if (compiled === null || loaded === null) return;
  const checker = new TriggerChecker(project, sets, report);
  for (const [name, { schedules, on }] of Object.entries(compiled.plan.tasks)) {
    if (checker.takesAll(name)) continue;
    for (const [index, schedule] of schedules.entries()) {
      const span = loaded.keySpan(["tasks", name, "schedule"]);
      const place = `tasks.${name}.schedule: `;
      const wrong = sets.refused.get(`${name} ${index}`);
      if (wrong !== undefined)
        report(
          "PEACH604",
          span,
          `${place}the payload of the schedule does not fit the input of \`${name}\`\n${wrong}`,
          { hint: "correct the payload, or the input of the task" },
        );
      if (schedule.payload === null)
        checker.check(
          name,
          dueTimePayload(schedule),
          `${place}what a schedule without \`payload\` carries`,
          span,
        );
    }
    for (const rule of on.r2)
      checker.check(
        name,
        objectPayload(rule),
        `tasks.${name}.on.r2: what an object of ${rule.bucket} carries`,
        loaded.keySpan(["tasks", name, "on", "r2"]),
      );
  }
  const { onFailure } = compiled.plan;
  if (onFailure !== null && !checker.takesAll(onFailure))
    checker.check(
      onFailure,
      failureSummary(),
      "on_failure: the summary of a failed run",
      loaded.valueSpan(["on_failure"]),
    );
}

/** Compares the payloads of triggers with the inputs of their tasks. */
class TriggerChecker {
  readonly #project: CheckedProject;
  readonly #sets: MethodSets;
  readonly #report: Report;
  /** The reader of Peach's own schemas. */
  readonly #own = new SchemaSets();

  constructor(project: CheckedProject, sets: MethodSets, report: Report) {
    this.#project = project;
    this.#sets = sets;
    this.#report = report;
  }

  /** Tests if a task accepts every value. */
  takesAll(name: string): boolean {
    const set = this.#sets.tasks.get(name)?.taken;
    return set === undefined || resolved(set)?.kind === "any";
  }

  /** Reports a payload that the task is certain to refuse. `what` names the payload. */
  check(name: string, payload: z.ZodType, what: string, span: Span): void {
    const taken = this.#sets.tasks.get(name)?.taken ?? ANY;
    const isEach = (this.#project.shapes.get(name)?.each ?? null) !== null;
    const verdict = compareSets(this.#own.passed(payload), isEach ? arrayOf(taken) : taken);
    // The worker tests the payload again, so an unknown answer is no fault.
    if (verdict.answer !== "misfit") return;
    const method = this.#project.methods.tasks.get(name);
    const expected = verdict.taken === null ? "nothing of that name" : showSet(verdict.taken);
    const message = `${what} does not fit what \`${name}\` takes\n${pathText(verdict.path)}: carries ${showSet(verdict.passed)}, takes ${expected}: ${verdict.why}`;
    const related =
      method === undefined
        ? []
        : [{ span: exportSpan(method), message: `\`${name}\` takes ${showSet(taken)}` }];
    this.#report("PEACH605", span, message, {
      hint: "make the `input` of the task take it",
      related,
    });
  }
}
