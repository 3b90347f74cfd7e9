import { describe, expect, it } from "vitest";
import { planOf, problemsOf } from "./project.ts";

const WRANGLER = ["PAYLOADS peach-payloads", "UPLOADS uploads"]
  .map((one) => one.split(" "))
  .map(([binding, bucket]) => `[[r2_buckets]]\nbinding = "${binding}"\nbucket_name = "${bucket}"\n`)
  .join("");

describe("`open`", () => {
  it("`open` is a list of addresses, or one; a bucket alone is what is in it, and nothing of others that begin so", async () => {
    const conf = `tasks:
  t: {method: a, open: [s3://uploads/audio/, s3://images]}
  u: {method: a, open: s3://uploads/}
  v: {method: a, open: []}
  w: {method: a}
endpoints:
  e: {method: handle, auth: none, open: s3://uploads/audio/}
`;
    const { tasks, endpoints } = await planOf(conf);
    const rules = [...Object.values(tasks), ...endpoints].map(({ name, open }) => [name, open]);
    expect(Object.fromEntries(rules)).toEqual({
      t: ["s3://uploads/audio/", "s3://images/"],
      u: ["s3://uploads/"],
      v: [],
      w: undefined,
      e: ["s3://uploads/audio/"],
    });
  });

  it("`open` is refused where it is no address, or names the bucket with payloads", async () => {
    const conf = `tasks:
  t:
    method: a
    open: [uploads/audio/, s3://peach-payloads/runs/]
`;
    expect(await problemsOf(conf, { wrangler: WRANGLER })).toMatchInlineSnapshot(`
      "peach.conf:4:12: tasks.t.open[0]: expected the beginning of addresses, such as s3://uploads/audio/, given uploads/audio/ [PEACH103]
        4 |     open: [uploads/audio/, s3://peach-payloads/runs/]
          |            ^^^^^^^^^^^^^^

      peach.conf:4:28: tasks.t.open: \`peach-payloads\` is where Peach keeps payloads, and is never opened [PEACH505]
        4 |     open: [uploads/audio/, s3://peach-payloads/runs/]
          |                            ^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: remove it: a task reads what others have passed by readFromParentTask"
    `);
    const other = conf.replace("uploads/audio/, ", "");
    expect(await problemsOf(other, { wrangler: WRANGLER })).toMatchInlineSnapshot(`
      "peach.conf:4:12: tasks.t.open: \`peach-payloads\` is where Peach keeps payloads, and is never opened [PEACH505]
        4 |     open: [s3://peach-payloads/runs/]
          |            ^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: remove it: a task reads what others have passed by readFromParentTask"
    `);
  });
});

describe("PEACH_CONSOLE_HOST in wrangler.toml", () => {
  const conf = "tasks:\n  t: {method: a}\n";

  it("PEACH_CONSOLE_HOST in wrangler.toml is refused where it is no host", async () => {
    const wrangler = `${WRANGLER}[vars]\nPEACH_CONSOLE_HOST = "https://console.example.org"\n`;
    expect(await problemsOf(conf, { wrangler })).toMatchInlineSnapshot(`
      "wrangler.toml:8:1: PEACH_CONSOLE_HOST: expected a host such as console.example.org, given "https://console.example.org" [PEACH506]
        8 | PEACH_CONSOLE_HOST = "https://console.example.org"
          | ^^^^^^^^^^^^^^^^^^
        hint: Write the host alone, without scheme, port or path, such as console.example.org, and deploy; or remove the variable."
    `);
  });

  it.each(["console.example.org", "localhost", "[::1]", ""])(
    "PEACH_CONSOLE_HOST in wrangler.toml may be %j",
    async (host) => {
      expect(await problemsOf(conf, { wrangler: `${WRANGLER}[vars]\nPEACH_CONSOLE_HOST = "${host}"\n` })).toBe("");
    },
  );
});

describe("the bucket with payloads", () => {
  const conf = `tasks:
  t:
    method: a
    on: {r2: {bucket: peach-payloads}}
`;

  it("the bucket with payloads triggers no task", async () => {
    expect(await problemsOf(conf, { wrangler: WRANGLER })).toMatchInlineSnapshot(`
      "peach.conf:4:23: tasks.t.on.r2: \`peach-payloads\` is where Peach keeps payloads, and triggers nothing [PEACH504]
        4 |     on: {r2: {bucket: peach-payloads}}
          |                       ^^^^^^^^^^^^^^
        hint: have what triggers the task put into a bucket of its own"
    `);
  });

  it("the bucket with payloads stays that, if wrangler.toml binds it under another name too", async () => {
    const twice = `${WRANGLER}[[r2_buckets]]\nbinding = "SECOND"\nbucket_name = "peach-payloads"\n`;
    const { buckets } = await planOf("tasks:\n  t: {method: a}\n", { wrangler: twice });
    expect(buckets).toEqual({ "peach-payloads": "PAYLOADS", uploads: "UPLOADS" });
  });
});
