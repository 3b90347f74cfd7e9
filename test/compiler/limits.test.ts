import { describe, expect, it } from "vitest";
import type { TaskLimits } from "../../src/domain/limits/limit.ts";
import { planOf, problemsOf } from "./project.ts";

async function limitsOf(keys: string): Promise<TaskLimits | null | undefined> {
  return (await planOf(`tasks:\n  t: {method: a, ${keys}}\n`)).tasks["t"]?.limits;
}

describe("limits in peach.conf", () => {
  it("limits in peach.conf are a number, or say more", async () => {
    const concurrency = { limit: 4, strategy: "queue", key: null };
    expect(await limitsOf("concurrency: 4")).toEqual({ concurrency, rateLimit: null, priority: 0 });
    expect(await limitsOf("concurrency: {limit: 4, key: payload.user.id, strategy: skip}, priority: -3")).toEqual({
      concurrency: { limit: 4, strategy: "skip", key: ["user", "id"] },
      rateLimit: null,
      priority: -3,
    });
    expect(await limitsOf("rate_limit: {limit: 100, per: 1m, key: payload.host}, priority: payload.urgency")).toEqual({
      concurrency: null,
      rateLimit: { limit: 100, perMs: 60_000, key: ["host"] },
      priority: ["urgency"],
    });
    expect(await limitsOf("retries: 1")).toBeNull();
  });

  it("limits in peach.conf are refused where they could have no effect, or mean something else", async () => {
    const conf = `tasks:
  left: {method: a, downstream: join, priority: 3}
  right: {method: b, downstream: join}
  join: {method: c, concurrency: {limit: 1, key: payload.user_id}, rate_limit: {limit: 5, per: 1s, key: payload.left.host}}
  items: {method: d, each: true, concurrency: {limit: 2, strategy: skip}}
  wild: {method: e, concurrency: 1, priority: 1.5}
  hasty: {method: a, debounce: {delay: 10m, max_wait: 1m}}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:2:49: tasks.left.priority: nothing makes this task's attempts wait [PEACH208]
        2 |   left: {method: a, downstream: join, priority: 3}
          |                                                 ^
        hint: it orders attempts that wait for \`concurrency\` or \`rate_limit\`: give the task one of them, or remove it

      peach.conf:4:50: tasks.join.concurrency.key: this task reads an object keyed by its upstream tasks [PEACH211]
        4 |   join: {method: c, concurrency: {limit: 1, key: payload.user_id}, rate_limit: {limit: 5, per: 1s, key: payload.left.host}}
          |                                                  ^^^^^^^^^^^^^^^
        hint: begin with one of them: payload.left.…, payload.right.…

      peach.conf:5:68: tasks.items.concurrency.strategy: items of \`each\` always wait [PEACH209]
        5 |   items: {method: d, each: true, concurrency: {limit: 2, strategy: skip}}
          |                                                                    ^^^^
        hint: remove it: with \`each\`, only \`queue\` is possible

      peach.conf:6:47: tasks.wild.priority: expected a whole number from -100 to 100, or where the payload has one, such as payload.priority, given 1.5 [PEACH103]
        6 |   wild: {method: e, concurrency: 1, priority: 1.5}
          |                                               ^^^

      peach.conf:7:55: tasks.hasty.debounce.max_wait: it is shorter than \`delay\` [PEACH210]
        7 |   hasty: {method: a, debounce: {delay: 10m, max_wait: 1m}}
          |                                                       ^^
        hint: a run starts \`delay\` after the last trigger, and at the latest \`max_wait\` after the first: make it longer, or leave \`max_wait\` out"
    `);
  });
});
