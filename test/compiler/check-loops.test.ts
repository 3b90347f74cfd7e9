import { describe, expect, it } from "vitest";
import { checkProject } from "../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../src/compiler/diagnostic.ts";
import { withProject } from "./project.ts";

/** The warnings for one task `t` with this rule, whose file this is. */
function warningsFor(rule: string, file: string): Promise<string> {
  return warningsOf(`tasks:\n  t: {method: t, on: {r2: ${rule}}}\n`, { "t.ts": file });
}

function warningsOf(conf: string, pipelines: Record<string, string>): Promise<string> {
  return withProject({ conf, pipelines }, (paths, folder) => {
    const { compiled, diagnostics, warnings } = checkProject(paths);
    if (compiled === null) throw new Error(diagnostics.map(renderDiagnostic).join("\n"));
    return warnings.map(renderDiagnostic).join("\n\n").replaceAll(`${folder}/`, "");
  });
}

/** A task whose only statement this is. */
const writing = (statement: string): string =>
  `const PREFIX = "audio/";\nexport async function t(x, { env }) {\n  ${statement}\n}\n`;

describe("a task that may write what triggers it", () => {
  it("a task that may write what triggers it is warned about at the rule, with the place of the write", async () => {
    const rule = "{bucket: uploads, prefix: audio/, suffix: .mp3}";
    expect(await warningsFor(rule, writing('await env.UPLOADS.put(`audio/${x.name}.mp3`, "");')))
      .toMatchInlineSnapshot(`
        "peach.conf:2:27: tasks.t.on.r2: a run of \`t\` may write an object that triggers itself [PEACH701]
          2 |   t: {method: t, on: {r2: {bucket: uploads, prefix: audio/, suffix: .mp3}}}
            |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          pipelines/t.ts:3:9: it is written here
          3 |   await env.UPLOADS.put(\`audio/\${x.name}.mp3\`, "");
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          hint: let the task write under another prefix, or narrow the rule by \`prefix\` and \`suffix\`; as it is, a chain of runs ends with an error after 32 of them"
      `);
  });

  it.each([
    ["any key where the rule has no filter", "{bucket: uploads}", "await env.UPLOADS.put(x.key, 1);"],
    ["a key that is written out", "{bucket: uploads, prefix: audio/}", 'await env.UPLOADS.put("audio/a", 1);'],
    [
      "a key whose beginning is a constant",
      "{bucket: uploads, prefix: audio/}",
      "env.UPLOADS.put(`${PREFIX}${x}`, 1);",
    ],
    ["a key that is put together", "{bucket: uploads, prefix: audio/}", 'env.UPLOADS.put(PREFIX + x + ".mp3", 1);'],
    [
      "a key whose end is not known",
      "{bucket: uploads, prefix: audio/, suffix: .mp3}",
      'env.UPLOADS.put("audio/" + x, 1);',
    ],
    [
      "a key whose end fits where any beginning does",
      "{bucket: uploads, suffix: .mp3}",
      "env.UPLOADS.put(`${x}.mp3`, 1);",
    ],
    ["an upload in parts", "{bucket: uploads}", "await env.UPLOADS.createMultipartUpload(x);"],
    ["a bucket taken off env", "{bucket: uploads}", "const { UPLOADS } = env; UPLOADS.put(x, 1);"],
    ["a bucket with another name", "{bucket: uploads}", "const bucket = env.UPLOADS; bucket.put(x, 1);"],
    [
      "one of two rules",
      "[{bucket: uploads, prefix: a/}, {bucket: uploads, prefix: b/}]",
      'env.UPLOADS.put("b/x", 1);',
    ],
  ])("a task that may write what triggers it is warned about: %s", async (_, rule, statement) => {
    expect(await warningsFor(rule, writing(statement))).toContain(
      "a run of `t` may write an object that triggers itself",
    );
  });

  it.each([
    ["another prefix", "{bucket: uploads, prefix: audio/}", 'env.UPLOADS.put("transcripts/" + x, 1);'],
    ["another suffix", "{bucket: uploads, prefix: audio/, suffix: .mp3}", "env.UPLOADS.put(`audio/${x}.vtt`, 1);"],
    ["a key of which nothing can be read", "{bucket: uploads, suffix: .mp3}", "env.UPLOADS.put(x.key, 1);"],
    ["a shorter key than the prefix", "{bucket: uploads, prefix: audio/}", 'env.UPLOADS.put("audio", 1);'],
    ["a rule for deletions", "{bucket: uploads, actions: delete}", "env.UPLOADS.put(x, 1);"],
    ["reading", "{bucket: uploads}", "await env.UPLOADS.get(x);"],
    ["another bucket", "{bucket: uploads}", "await env.OTHER.put(x, 1);"],
    ["a map", "{bucket: uploads}", "new Map().set(x, 1); x.put(1);"],
  ])("a task that may write what triggers it is not warned about: %s", async (_, rule, statement) => {
    expect(await warningsFor(rule, writing(statement))).toBe("");
  });

  it("a task that may write what triggers it may be downstream of what is triggered, and may go round by another task", async () => {
    const conf = `tasks:
  first: {method: first, on: {r2: {bucket: uploads, prefix: a/}}, downstream: then}
  then: {method: then}
  second: {method: second, on: {r2: {bucket: uploads, prefix: b/}}}
  third: {method: third, on: {r2: {bucket: uploads, prefix: c/}}}
`;
    const put = (name: string, key: string) =>
      `export async function ${name}(x, { env }) { env.UPLOADS.put("${key}" + x); }\n`;
    const warnings = await warningsOf(conf, {
      "first.ts": "export async function first() {}\n",
      "then.ts": put("then", "b/"),
      "second.ts": put("second", "a/"),
      "third.ts": put("third", "a/"),
    });
    expect(warnings.match(/a run of `\w+` may write an object that triggers [^\n]*/g)).toEqual([
      "a run of `second` may write an object that triggers first, which leads back to it [PEACH701]",
      "a run of `first` may write an object that triggers second, which leads back to it [PEACH701]",
    ]);
  });
});
