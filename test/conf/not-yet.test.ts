import { describe, expect, it } from "vitest";
import { problemsOf } from "./project.ts";

// A conf per kind of problem, with the exact text that its author reads.

describe("keys that this version does not run", () => {
  it("is reported when the conf asks for all of them", async () => {
    const conf = `tasks:
  t:
    method: a
    on: {event: audio.published}
    concurrency: 4
    rate_limit: {limit: 100, per: 1m}
    debounce: {delay: 10s, key: payload.item_id}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:5:5: tasks.t.concurrency: this version of Peach does not run \`concurrency\` yet
        5 |     concurrency: 4
          |     ^^^^^^^^^^^
        hint: remove it: the number of attempts at a time is not limited

      peach.conf:6:5: tasks.t.rate_limit: this version of Peach does not run \`rate_limit\` yet
        6 |     rate_limit: {limit: 100, per: 1m}
          |     ^^^^^^^^^^
        hint: remove it: the rate of attempts is not limited"
    `);
  });

  it("is reported when the conf asks for some of them in a wrong shape", async () => {
    const conf = `tasks:
  t:
    method: a
    concurrency: none
    rate_limit: {limit: 0, per: 1m}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:5: tasks.t.concurrency: this version of Peach does not run \`concurrency\` yet
        4 |     concurrency: none
          |     ^^^^^^^^^^^
        hint: remove it: the number of attempts at a time is not limited

      peach.conf:4:18: tasks.t.concurrency: expected a whole number from 1 to 10000, given none
        4 |     concurrency: none
          |                  ^^^^

      peach.conf:5:5: tasks.t.rate_limit: this version of Peach does not run \`rate_limit\` yet
        5 |     rate_limit: {limit: 0, per: 1m}
          |     ^^^^^^^^^^
        hint: remove it: the rate of attempts is not limited

      peach.conf:5:25: tasks.t.rate_limit.limit: expected a whole number from 1 to 1000000, given 0
        5 |     rate_limit: {limit: 0, per: 1m}
          |                         ^"
    `);
  });
});
