import type { LintedProject } from "./linted-project.ts";

/**
 * Warns of `retries` on an external task. Every attempt calls the method again, so a refusal by a
 * person leads to another request.
 */
export function lintExternalTasks({ plan, loaded, isWritten, warn }: LintedProject): void {
  for (const { name, external, retries } of Object.values(plan.tasks)) {
    if (!external || retries.limit === 0 || !isWritten(["tasks", name, "retries"])) continue;
    warn(
      "PEACH722",
      loaded.keySpan(["tasks", name, "retries"]),
      `tasks.${name}.retries: a refusal, or no answer in time, ` +
        `asks again up to ${retries.limit} times`,
      {
        hint:
          "a completion with the status failed is a failure of the attempt: " +
          "write `retries: 0` if a refusal is final",
      },
    );
  }
}
