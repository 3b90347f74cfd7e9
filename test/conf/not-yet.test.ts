import { describe, expect, it } from "vitest";
import { problemsOf } from "./project.ts";

// A conf per kind of problem, with the exact text that its author reads.

describe("keys that this version does not run", () => {
  it("is reported when the conf asks for all of them", async () => {
    const conf = `on_failure: t
tasks:
  t:
    method: a
    on: {event: audio.published}
    schedule: "0 3 * * *"
    each: true
    concurrency: 4
    rate_limit: {limit: 100, per: 1m}
    debounce: {delay: 10s, key: payload.item_id}
    external: true
    timeout: 20d
endpoints:
  e: {method: handle, auth: token}
  f: {method: handle, auth: {signature: github, secret: GITHUB_SECRET}}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:1:1: on_failure: this version of Peach does not run \`on_failure\` yet
        1 | on_failure: t
          | ^^^^^^^^^^
        hint: remove it: no task is triggered when a run fails

      peach.conf:5:10: tasks.t.on.event: this version of Peach does not run \`on.event\` yet
        5 |     on: {event: audio.published}
          |          ^^^^^
        hint: remove it: named events are not emitted

      peach.conf:6:5: tasks.t.schedule: this version of Peach does not run \`schedule\` yet
        6 |     schedule: "0 3 * * *"
          |     ^^^^^^^^
        hint: remove it: nothing is started on a schedule

      peach.conf:7:5: tasks.t.each: this version of Peach does not run \`each\` yet
        7 |     each: true
          |     ^^^^
        hint: remove it: a task runs once, not once per item

      peach.conf:8:5: tasks.t.concurrency: this version of Peach does not run \`concurrency\` yet
        8 |     concurrency: 4
          |     ^^^^^^^^^^^
        hint: remove it: the number of attempts at a time is not limited

      peach.conf:9:5: tasks.t.rate_limit: this version of Peach does not run \`rate_limit\` yet
        9 |     rate_limit: {limit: 100, per: 1m}
          |     ^^^^^^^^^^
        hint: remove it: the rate of attempts is not limited

      peach.conf:10:5: tasks.t.debounce: this version of Peach does not run \`debounce\` yet
        10 |     debounce: {delay: 10s, key: payload.item_id}
           |     ^^^^^^^^
        hint: remove it: every trigger starts a run

      peach.conf:11:5: tasks.t.external: this version of Peach does not run \`external\` other than \`false\` yet
        11 |     external: true
           |     ^^^^^^^^
        hint: remove it: a task is finished by its own function only

      peach.conf:14:23: endpoints.e.auth: this version of Peach does not run \`auth\` other than \`none\` yet
        14 |   e: {method: handle, auth: token}
           |                       ^^^^
        hint: remove it: endpoints are open; check a signature or a token in the method

      peach.conf:15:23: endpoints.f.auth: this version of Peach does not run \`auth\` other than \`none\` yet
        15 |   f: {method: handle, auth: {signature: github, secret: GITHUB_SECRET}}
           |                       ^^^^
        hint: remove it: endpoints are open; check a signature or a token in the method"
    `);
  });

  it("is reported when the conf asks for some of them in a wrong shape", async () => {
    const conf = `tasks:
  t:
    method: a
    schedule: daily
    concurrency: none
    each: {max_parallel: 0}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:5: tasks.t.schedule: this version of Peach does not run \`schedule\` yet
        4 |     schedule: daily
          |     ^^^^^^^^
        hint: remove it: nothing is started on a schedule

      peach.conf:4:15: tasks.t.schedule: expected a cron expression of five fields, such as 0 3 * * *, given daily
        4 |     schedule: daily
          |               ^^^^^

      peach.conf:5:5: tasks.t.concurrency: this version of Peach does not run \`concurrency\` yet
        5 |     concurrency: none
          |     ^^^^^^^^^^^
        hint: remove it: the number of attempts at a time is not limited

      peach.conf:5:18: tasks.t.concurrency: expected a whole number from 1 to 10000, given none
        5 |     concurrency: none
          |                  ^^^^

      peach.conf:6:5: tasks.t.each: this version of Peach does not run \`each\` yet
        6 |     each: {max_parallel: 0}
          |     ^^^^
        hint: remove it: a task runs once, not once per item

      peach.conf:6:26: tasks.t.each.max_parallel: expected a whole number from 1 to 10000, given 0
        6 |     each: {max_parallel: 0}
          |                          ^"
    `);
  });
});
