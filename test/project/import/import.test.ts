import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandLine, type Written } from "../../scripts/command-line.ts";
import type { Files } from "../../../src/project/new-files.ts";

interface Outcome extends Written {
  /** Reads a file of the folder that was imported into. */
  readonly read: (path: string) => string;
}

/** Imports `peach.yaml` (or what `from` names) of these files into the folder `new`. */
async function imported(
  files: Files,
  { from = "peach.yaml", into = "new", args = [] }: { from?: string; into?: string; args?: readonly string[] } = {},
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "peach-import-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const written = await commandLine(["import", join(folder, from), join(folder, into), ...args]);
    const texts = new Map<string, string>();
    for (const path of [
      "peach.conf",
      "IMPORT.md",
      ...["reco", "imported", "train"].map((name) => `src/pipelines/${name}.ts`),
    ]) {
      try {
        texts.set(path, readFileSync(join(folder, into, path), "utf8"));
      } catch {
        // Not every import writes every file.
      }
    }
    const relative = (text: string): string => text.replaceAll(`${folder}/`, "");
    return {
      ...written,
      out: relative(written.out),
      err: relative(written.err),
      read: (path) => relative(texts.get(path) ?? "(not there)"),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const NOTEBOOK = JSON.stringify({
  cells: [
    { cell_type: "markdown", source: ["def by_history():"] },
    { cell_type: "code", source: ["import redis\n", "r = redis.Redis()"] },
    { cell_type: "code", source: "def by_history(request):\n    return r.get(request.args['user'])\n" },
  ],
});

describe("peach import", () => {
  it("peach import takes over tasks, endpoints with components, and the code of notebooks", async () => {
    const { code, out, err, read } = await imported({
      "peach.yaml": `codops: zzebu
py_environments:
  base: {dependencies: [httpx]}
endpoints:
  hello-world:
    url: /hello/<user>
    py_env: ml
    components:
      history: {notebook: reco.ipynb, method: by_history, weight: 80}
      new: {notebook: reco.ipynb, method: delete}
tasks:
  train model:
    notebook: nb/train.ipynb
    full_notebook: true
    method: train_model
    timeout: 3600
    downstream: [publish, gone]
    retries: 2
  publish:
    notebook: nb/train.ipynb
    method: publish
    cron: "0 3 * * *"
    gpu: true
`,
      "reco.ipynb": NOTEBOOK,
    });
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(read("peach.conf")).toMatchInlineSnapshot(`
      "# yaml-language-server: $schema=./src/generated/peach.schema.json
      # Made by \`peach import\`. IMPORT.md lists what needs a person.

      codops: zzebu

      tasks:
        train_model:
          method: train_model
          downstream: [publish]
          retries: 2
          timeout: 14m
          # schedule: "0 * * * *"   # the original ran it in a loop; here a trigger starts it
        publish:
          method: publish
          schedule: 0 3 * * *
          timeout: 14m

      endpoints:
        hello-world:
          method: by_history
          url: /hello/:user
          auth: none
      "
    `);
    expect(read("src/pipelines/reco.ts")).toMatchInlineSnapshot(`
      "import type { EndpointContext } from "peach/task-helpers";

      // From reco.ipynb: by_history. Write it in TypeScript here.
      //
      //     def by_history(request):
      //         return r.get(request.args['user'])
      //
      export async function by_history(_request: Request, _endpoint: EndpointContext): Promise<Response> {
        return Response.json({ error: "by_history is not written yet" }, { status: 501 });
      }

      // From reco.ipynb: delete. Write it in TypeScript here.
      export async function delete_(_request: Request, _endpoint: EndpointContext): Promise<Response> {
        return Response.json({ error: "delete_ is not written yet" }, { status: 501 });
      }
      "
    `);
    expect(read("src/pipelines/train.ts")).toMatchInlineSnapshot(`
      "import { NonRetryableError } from "peach/task-helpers";

      // From nb/train.ipynb: train_model. Write it in TypeScript here.
      export async function train_model(_payload: unknown): Promise<unknown> {
        throw new NonRetryableError("train_model is not written yet: see nb/train.ipynb: train_model");
      }

      // From nb/train.ipynb: publish. Write it in TypeScript here.
      export async function publish(_payload: unknown): Promise<unknown> {
        throw new NonRetryableError("publish is not written yet: see nb/train.ipynb: publish");
      }
      "
    `);
    expect(out).toMatchInlineSnapshot(`
      "wrote new/peach.conf
      wrote new/src/pipelines/train.ts
      wrote new/src/pipelines/reco.ts
      wrote new/IMPORT.md

      What needs a person (also in IMPORT.md):
        peach.yaml:2:1: \`py_environments\` is not taken over: install npm packages in place of {base: {dependencies: [httpx]}}
        peach.yaml:5:3: the endpoint has 2 components (by_history, delete_), and \`method\` calls the first: choose between them in it
        peach.yaml:5:3: everybody may call the endpoint \`hello-world\`: if it triggers a task, demand a token or a signature by \`auth\`
        peach.yaml:6:5: the url /hello/<user> is /hello/:user now
        peach.yaml:7:5: \`py_env: ml\` is not taken over: install npm packages in place of the Python ones
        peach.yaml:9:7: write by_history in src/pipelines/reco.ts, from reco.ipynb: by_history
        peach.yaml:9:59: \`weight: 80\` of the component history is not taken over
        peach.yaml:10:7: write delete_ in src/pipelines/reco.ts, from reco.ipynb: delete; its code was not found
        peach.yaml:10:7: the function delete is called delete_ now
        peach.yaml:12:3: \`train model\` is called \`train_model\` now
        peach.yaml:12:3: write train_model in src/pipelines/train.ts, from nb/train.ipynb: train_model; its code was not found
        peach.yaml:16:5: a timeout of 3600 is not possible: an attempt takes 14m at most. Longer work is an \`external\` task, or several tasks
        peach.yaml:17:5: downstream names \`gone\`, which is no task
        peach.yaml:19:3: write publish in src/pipelines/train.ts, from nb/train.ipynb: publish; its code was not found
        peach.yaml:22:5: the schedule is in UTC unless \`timezone\` says otherwise
        peach.yaml:23:5: \`gpu: true\` is not taken over: peach.conf has nothing like it"
    `);
    expect(read("IMPORT.md").match(/^- \[ \] /gm)).toHaveLength(out.match(/^ {2}peach.yaml:/gm)?.length ?? 0);
  });

  it("peach import takes over the example of the original's documents", async () => {
    const { code, err, read } = await imported({
      "peach.yaml": `# partial config as example
tasks:
  audio_transcription:
    method: audio_transcription_task
endpoints:
  audio_transcription_webhook:
    method: webhook_handler
`,
    });
    expect([code, err]).toEqual([0, ""]);
    expect(read("peach.conf")).toMatchInlineSnapshot(`
      "# yaml-language-server: $schema=./src/generated/peach.schema.json
      # Made by \`peach import\`. IMPORT.md lists what needs a person.

      tasks:
        audio_transcription:
          method: audio_transcription_task
          timeout: 14m
          # schedule: "0 * * * *"   # the original ran it in a loop; here a trigger starts it

      endpoints:
        audio_transcription_webhook:
          method: webhook_handler
          url: /audio_transcription_webhook
          auth: none
      "
    `);
    expect(read("src/pipelines/imported.ts")).toContain("export async function audio_transcription_task");
  });

  it("peach import reads a folder peach.conf, whose files each begin with codops", async () => {
    const { code, err, read } = await imported(
      {
        "peach.conf/a.yaml": "codops: zzebu\ntasks:\n  one: {notebook: reco.ipynb, method: by_history}\n",
        "peach.conf/b.yml": "codops: zzebu\ntasks:\n  one: {notebook: reco.ipynb, method: other, downstream: one}\n",
        "reco.ipynb": NOTEBOOK,
      },
      { from: "peach.conf" },
    );
    expect([code, err]).toEqual([0, ""]);
    expect(read("peach.conf")).toContain("  one_2:");
    expect(read("src/pipelines/reco.ts")).toContain("//     def by_history(request):");
  });

  it("peach import gives endpoints urls that Peach accepts, each to one endpoint", async () => {
    const { code, err, read } = await imported({
      "peach.yaml": `endpoints:
  a: {method: m, url: "api/v1/x"}
  b: {method: m, url: /same}
  c: {method: m, url: /same}
  "healthz": {method: m}
  "1 x": {url: "/{id}/x", components: {}}
`,
    });
    expect([code, err]).toEqual([0, ""]);
    expect([...read("peach.conf").matchAll(/url: (.*)/g)].map(([, url]) => url)).toEqual([
      "/a",
      "/same",
      "/c",
      "/imported/healthz",
      "/:id/x",
    ]);
  });

  it("peach import keeps line breaks of names and of Python within comments", async () => {
    const python = "def f(x):\n    s = '\u2028globalThis.one = 1 //'\n    y = 1\rglobalThis.two = 2\n";
    const { code, err, read } = await imported({
      "reco.ipynb": JSON.stringify({ cells: [{ cell_type: "code", source: python }] }),
      "peach.yaml": `tasks:
  a: {notebook: reco.ipynb, method: f}
  "b\\nname": {method: "g\\nglobalThis.three = 3; //"}
  c: {notebook: "x\\rglobalThis.four = 4; //reco.ipynb", method: h}
`,
    });
    expect([code, err]).toEqual([0, ""]);
    const written = `${read("src/pipelines/reco.ts")}${read("src/pipelines/imported.ts")}`;
    const lines = written.split(/\r\n|[\r\n\u2028\u2029]/);
    expect(lines.filter((line) => line.trim().startsWith("globalThis"))).toEqual([]);
    const notes = read("IMPORT.md").split("\n").slice(4, -1);
    expect(notes.filter((line) => !line.startsWith("- [ ] "))).toEqual([]);
  });

  it("peach import takes over one of two schedules of a task", async () => {
    const { code, err, read } = await imported({
      "peach.yaml": 'tasks:\n  a: {method: m, cron: "0 1 * * *", schedule: "0 2 * * *"}\n',
    });
    expect([code, err]).toEqual([0, ""]);
    expect(read("peach.conf")).toContain("schedule: 0 1 * * *");
    expect(read("IMPORT.md")).toContain("`schedule: 0 2 * * *` is not taken over");
  });

  it("peach import overwrites nothing", async () => {
    const { code, err, read } = await imported({
      "peach.yaml": "tasks:\n  one: {method: m}\n",
      "new/src/pipelines/imported.ts": "mine",
    });
    expect(code).toBe(1);
    expect(err).toContain("src/pipelines/imported.ts is there already");
    expect(read("src/pipelines/imported.ts")).toBe("mine");
    expect(read("peach.conf")).toBe("(not there)");
  });

  it("peach import shows the place of what is no YAML, is not there, or has nothing to import", async () => {
    const broken = await imported({ "peach.yaml": "tasks:\n  one: [\n" });
    expect([broken.code, broken.err]).toEqual([
      1,
      expect.stringContaining("peach.yaml:2:8: the [ that opens here is not closed"),
    ]);
    const absent = await imported({ "other.yaml": "tasks:" });
    expect([absent.code, absent.err]).toEqual([1, expect.stringContaining("peach.yaml:1:1: this file cannot be read")]);
    const empty = await imported({ "peach.yaml": "# nothing\n" });
    expect(empty.err).toContain("peach.yaml:1:1: the file is empty");
    for (const { err } of [absent, empty]) {
      expect(err).toContain("hint: give the peach.yaml of the original Peach, or its folder peach.conf");
      expect(err).not.toContain("PEACH_CONF");
    }
    const nothing = await imported({ "peach.yaml": "codops: x\n" });
    expect([nothing.code, nothing.err]).toEqual([
      1,
      expect.stringContaining("there is no task and no endpoint to import"),
    ]);
  });

  it("peach import says what a person has to mend in the original", async () => {
    const { code, err } = await imported({
      "peach.yaml": "tasks:\n  a: {method: m, downstream: b}\n  b: {method: n, downstream: a}\n",
    });
    expect(code).toBe(1);
    expect(err).toContain("new/peach.conf:7:18:");
  });

  it("peach import tells programs the same", async () => {
    const { out } = await imported({ "peach.yaml": "tasks:\n  one: {method: m}\n" }, { args: ["--json"] });
    expect(JSON.parse(out)).toEqual({
      ok: true,
      files: ["peach.conf", "src/pipelines/imported.ts", "IMPORT.md"],
      notes: [{ place: "peach.yaml:2:3", text: expect.stringContaining("write m in src/pipelines/imported.ts") }],
      problems: [],
    });
  });
});
