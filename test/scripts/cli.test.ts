import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { withProject } from "../compiler/project.ts";
import { commandLine } from "./command-line.ts";

const REPO_ROOT = join(import.meta.dirname, "../..");
const VALID = "test/compiler/fixtures/valid";

const BROKEN = {
  conf: `tasks:
  transcribe:
    method: transcribe
    timeout: 1h
    downstream: [recommend, archive]
  recommend: {method: recommend}
  archive: {method: archive}
`,
  pipelines: {
    "tasks.ts": `import { task } from "peach/task-helpers";
import { z } from "zod";

export const transcribe = task({ output: z.object({ text: z.string() }), run: async () => ({ text: "" }) });
export const recommend = task({ input: z.object({ text: z.string() }), run: async () => [] });
export const archive = task({ input: z.object({ key: z.string() }), run: async () => "" });
`,
  },
};

/** Runs a command line on the broken project; paths are relative to it. */
function peachOnBroken(line: string) {
  return withProject(BROKEN, async ({ confPath, pipelinesDir }, folder) => {
    const { code, out, err } = await peach(line, { PEACH_CONF: confPath, PEACH_PIPELINES: pipelinesDir });
    return { code, out: out.replaceAll(`${folder}/`, ""), err: err.replaceAll(`${folder}/`, "") };
  });
}

/** Runs a command line as a user would, from the root of the repository. */
async function peach(line: string, env: Readonly<Record<string, string>> = {}) {
  const { code, out, err } = await commandLine(line.split(" ").filter(Boolean), {
    env: { PEACH_CONF: `${VALID}/peach.conf`, PEACH_PIPELINES: `${VALID}/pipelines`, ...env },
    projectRoot: REPO_ROOT,
  });
  return { code, out, err };
}

describe("peach", () => {
  it.each(["--help", "help", "-h"])("peach explains itself on %s", async (line) => {
    const { code, out } = await peach(line);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "usage: npm run peach -- <command> [options]

      A project
        init          makes a project
        upgrade       moves a project to this release
        test          runs the tests of a project
        import        takes over the peach.yaml of the original Peach

      peach.conf and its deployment
        check         checks peach.conf, the methods it names and the data of its edges
        schema        prints the JSON Schema of peach.conf, for editors
        types         writes the types of payloads, for a program in another project
        graph         draws the tasks of peach.conf, or of the deployment
        schedules     shows when schedules are due
        plan          shows what a deploy of peach.conf would change
        provision     creates the queues, buckets, notification rules and secrets that are missing
        reconcile     lists a bucket and triggers what R2's notifications have missed

      Runs
        trigger       starts a run of a task
        emit          emits a named event
        runs          lists runs, newest first
        show          shows a run: its tasks, what failed, what it triggered
        watch         shows a run as it goes on
        open          opens the dashboard in a browser, or the page of a run
        logs          shows what the tasks of a run have logged
        items         lists the items of a task with each
        payload       prints what triggered a run, or what a task of it has passed on
        cancel        cancels runs
        retry         runs again what failed in runs, and what did not run because of it
        replay        starts new runs that repeat runs
        complete      completes an external task that waits

      What is deployed
        tasks         lists the tasks that are deployed
        pause         holds the attempts of a task back
        resume        lets the attempts of a task that was paused start again
        limits        shows how much of each limit is in use
        dead-letters  lists the queue messages that could not be processed, and tries them again
        tokens        lists the API tokens, makes them and ends them; for admins
        sessions      lists who is logged in to the dashboard, and logs them out; for admins
        audit         shows who did what: changes, triggers, log-ins, completions, and who was refused

      The command line
        completion    prints what makes a shell complete the command line

      Each command has --help. Those that talk to a deployment find it by PEACH_URL and PEACH_API_TOKEN, or by --url and --token; without
      them they talk to the runtime that \`npm run dev\` has started here.

      In a project \`npx peach\` also has dev, demo, compile and deploy, which checks and compiles before \`wrangler deploy\`."
    `);
  });

  it.each(["check --help", "graph -h", "graph --format dot --help"])("peach explains a command on %s", async (line) => {
    const { code, out } = await peach(line);
    expect([code, out.startsWith(`usage: npm run peach -- ${line.split(" ")[0]}`)]).toEqual([0, true]);
  });

  it("help COMMAND explains that command, and --version prints the version of Peach", async () => {
    expect((await peach("help graph")).out).toBe((await peach("graph --help")).out);
    const version = expect.stringMatching(/^\d+\.\d+\.\d+$/);
    for (const line of ["--version", "-v", "version"])
      expect(await peach(line)).toMatchObject({ code: 0, out: version });
  });

  it.each([
    ["", "a command is missing"],
    ["chek", "there is no command `chek`; did you mean `check`?"],
    ["constructor", "there is no command `constructor`"],
    ["check --jsn", "Unknown option '--jsn'; did you mean `--json`?"],
    ["check peach.conf", "Unexpected argument 'peach.conf'"],
    ["graph --format", "Option '--format <value>' argument missing"],
    ["graph --format svg", "--format: expected one of text, json, mermaid, dot, given svg"],
  ])("peach refuses %j with exit code 2", async (line, message) => {
    const { code, out, err } = await peach(line);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
  });
});

describe("peach check", { timeout: 120_000 }, () => {
  it("peach check says that there is no problem", async () => {
    expect(await peach("check")).toEqual({
      code: 0,
      out: `${VALID}/peach.conf: no problems in 4 tasks and 2 endpoints`,
      err: "",
    });
  });

  it("peach check exits with 1 and shows every problem, typed edges included", async () => {
    const { code, out, err } = await peachOnBroken("check");
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatchInlineSnapshot(`
      "peach.conf:4:14: tasks.transcribe.timeout: expected a duration of at most 14m, given 1h [PEACH105]
        4 |     timeout: 1h
          |              ^^
        hint: work that takes longer is done elsewhere and reported back: that is what \`external\` tasks are for

      peach.conf:5:29: tasks.transcribe.downstream: what \`transcribe\` passes does not fit what \`archive\` takes [PEACH601]
        5 |     downstream: [recommend, archive]
          |                             ^^^^^^^
        $.key: passes nothing, takes string: it is not passed
        pipelines/tasks.ts:4:14: \`transcribe\` passes { text: string }
        4 | export const transcribe = task({ output: z.object({ text: z.string() }), run: async () => ({ text: "" }) });
          |              ^^^^^^^^^^
        pipelines/tasks.ts:6:14: \`archive\` takes { key: string }
        6 | export const archive = task({ input: z.object({ key: z.string() }), run: async () => "" });
          |              ^^^^^^^
        hint: make the \`output\` of transcribe and the \`input\` of archive agree

      peach.conf: 2 problems
      For more about PEACH105: npm run peach -- check --explain PEACH105"
    `);
  });

  it("peach check gives programs the same", async () => {
    const right = await peach("check --json");
    expect([right.code, JSON.parse(right.out)]).toMatchObject([
      0,
      { ok: true, file: `${VALID}/peach.conf`, tasks: 4, endpoints: 2, problems: [] },
    ]);
    const wrong = await peachOnBroken("check --json");
    expect([wrong.code, JSON.parse(wrong.out)]).toMatchObject([
      1,
      {
        ok: false,
        conf_version: null,
        problems: [
          { file: "peach.conf", line: 4, column: 14 },
          { line: 5, column: 29 },
        ],
      },
    ]);
  });

  it("peach check reports a conf that is not there", async () => {
    const { code, err } = await peach("check", { PEACH_CONF: join(REPO_ROOT, "none.conf") });
    expect(code).toBe(1);
    expect(err).toContain(`${relative(process.cwd(), join(REPO_ROOT, "none.conf"))}:1:1: this file cannot be read`);
  });
});

describe("peach graph", () => {
  it("peach graph draws with Mermaid", async () => {
    expect((await peach("graph")).out).toMatchInlineSnapshot(`
      "flowchart LR
        task_transcribe(["transcribe"])
        trigger0_task_transcribe[/"r2 uploads/audio/*.mp3 (create)"/] -.-> task_transcribe
        task_transcribe --> task_recommend
        task_transcribe --> task_archive
        task_recommend["recommend"]
        task_recommend --> task_done
        task_archive["archive"]
        task_archive --> task_done
        task_done["done"]"
    `);
  });

  it("peach graph draws in a terminal, and for whoever asks for it", async () => {
    const { out } = await peach("graph --format text");
    expect(out).toMatchInlineSnapshot(`
      "      transcribe
          ┌─────┴────┐
          ▼          ▼
      recommend   archive
          └────┬─────┘
               ▼
              done

      transcribe is triggered by r2 uploads/audio/*.mp3 (create)"
    `);
    const env = { PEACH_CONF: join(VALID, "peach.conf"), PEACH_PIPELINES: join(VALID, "pipelines") };
    expect((await commandLine(["graph"], { env, columns: 80 })).out).toBe(out);
    expect((await commandLine(["graph"], { env, columns: 80, colors: true })).out).toContain("\u001B[36m");
  });

  it("peach graph draws with Graphviz", async () => {
    expect((await peach("graph --format dot")).out).toMatchInlineSnapshot(`
      "digraph peach {
        rankdir=LR;
        "transcribe" [shape=box, style=bold];
        "r2 uploads/audio/*.mp3 (create)" [shape=note];
        "r2 uploads/audio/*.mp3 (create)" -> "transcribe" [style=dashed];
        "transcribe" -> "recommend";
        "transcribe" -> "archive";
        "recommend" [shape=box];
        "recommend" -> "done";
        "archive" [shape=box];
        "archive" -> "done";
        "done" [shape=box];
      }"
    `);
  });

  it("peach graph gives programs the tasks with their edges, roots and triggers", async () => {
    const { out } = await peach("graph --json");
    const { tasks, endpoints } = JSON.parse(out);
    expect(tasks[0]).toEqual({
      task: "transcribe",
      description: "Speech to text",
      root: true,
      upstream: [],
      downstream: ["recommend", "archive"],
      triggers: [{ source: "r2", bucket: "uploads", prefix: "audio/", suffix: ".mp3", actions: ["create"] }],
    });
    expect(tasks[3]).toMatchObject({ task: "done", root: false, upstream: ["recommend", "archive"], triggers: [] });
    expect(endpoints[0]).toEqual({ endpoint: "webhook", url: "/hooks/:kind", methods: ["POST"] });
    expect(await peach("graph --format json")).toMatchObject({ out });
  });

  it("peach graph exits with 1 on a broken conf, and draws nothing", async () => {
    const { code, out } = await peachOnBroken("graph");
    expect([code, out]).toEqual([1, ""]);
  });
});
