import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkAll } from "../../src/compiler/check.ts";
import { checkProject } from "../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../src/compiler/diagnostic.ts";
import { projectPaths, type ProjectPaths } from "../../src/compiler/project-paths.ts";
import { withProject, type ProjectTexts } from "./project.ts";

/** Runs `use` on a project whose peach.conf is a folder of these files. */
function withFolder<T>(
  files: Readonly<Record<string, string>>,
  use: (paths: ProjectPaths, folder: string) => T | Promise<T>,
  more: Omit<ProjectTexts, "conf"> = {},
): Promise<T> {
  return withProject({ conf: "", ...more }, (paths, folder) => {
    rmSync(paths.confPath);
    mkdirSync(paths.confPath);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(paths.confPath, path)), { recursive: true });
      writeFileSync(join(paths.confPath, path), text);
    }
    return use(paths, folder);
  });
}

/** Every problem as the user reads it, but typed edges. */
function problemsOfFolder(files: Readonly<Record<string, string>>): Promise<string> {
  return withFolder(files, (paths, folder) =>
    checkProject(paths).diagnostics.map(renderDiagnostic).join("\n\n").replaceAll(`${folder}/`, ""),
  );
}

describe("a peach.conf that is a folder", () => {
  it("a peach.conf that is a folder gives the same plan as one file with the same content", async () => {
    const parts = {
      "0-settings.yaml": "retention: 2d\ndefaults: {retries: 5}\n",
      "audio/tasks.yml": "tasks:\n  one: {method: a, downstream: two}\n",
      "audio/more/endpoints.yaml": "endpoints:\n  hook: {method: handle, auth: none}\n",
      "video.yaml": "tasks:\n  two: {method: b}\n",
      "notes.md": "tasks: no YAML is read here",
      ".hidden.yaml": "tasks: {three: {method: c}}",
      "only-comments.yaml": "# nothing yet\n",
    };
    const conf = `retention: 2d
defaults: {retries: 5}
tasks:
  one: {method: a, downstream: two}
  two: {method: b}
endpoints:
  hook: {method: handle, auth: none}
`;
    const plan = await withFolder(parts, (paths) => checkProject(paths).compiled?.plan);
    expect(plan?.tasks["one"]).toMatchObject({ downstream: ["two"] });
    expect(plan).toEqual(await withProject({ conf }, (paths) => checkProject(paths).compiled?.plan));
  });

  it("a peach.conf that is a folder reports a name that two files give at both places, and checks the rest", async () => {
    expect(
      await problemsOfFolder({
        "a.yaml": "retention: 1d\ntasks:\n  one: {method: a}\n",
        "b.yaml": "retention: 2d\ntasks:\n  two: {method: b}\n  one: {method: b}\n",
        "c.yaml": "endpoints:\n  hook: {method: handle, url: 7}\n",
      }),
    ).toMatchInlineSnapshot(`
      "peach.conf/b.yaml:1:1: retention: this name stands in two files [PEACH011]
        1 | retention: 2d
          | ^^^^^^^^^
        peach.conf/a.yaml:1:1: it stands here first
        1 | retention: 1d
          | ^^^^^^^^^
        hint: only tasks and endpoints may stand in several files: keep one of the two

      peach.conf/b.yaml:4:3: tasks.one: this name stands in two files [PEACH011]
        4 |   one: {method: b}
          |   ^^^
        peach.conf/a.yaml:3:3: it stands here first
        3 |   one: {method: a}
          |   ^^^
        hint: rename one of the two, or remove it

      peach.conf/c.yaml:2:31: endpoints.hook.url: expected a path that begins with / and holds texts or :params, such as /hooks/:kind, given 7 [PEACH103]
        2 |   hook: {method: handle, url: 7}
          |                               ^"
    `);
  });

  it("a peach.conf that is a folder names the file of each problem, in the order of the files", async () => {
    expect(
      await problemsOfFolder({
        "b.yaml": "tasks:\n  two: {method: missing}\n  three: {method: c, timeout: 20m, retry: 1}\n",
        "a/z.yaml": "tasks:\n  one: {method: a, downstream: [twoo, three]}\n",
        "c.yaml": "- a list\n",
      }),
    ).toMatchInlineSnapshot(`
      "peach.conf/a/z.yaml:2:33: tasks.one.downstream: no task is called \`twoo\` [PEACH201]
        2 |   one: {method: a, downstream: [twoo, three]}
          |                                 ^^^^
        hint: did you mean \`two\`? tasks: one, two, three

      peach.conf/b.yaml:2:17: tasks.two.method: no file under pipelines exports \`missing\` [PEACH301]
        2 |   two: {method: missing}
          |                 ^^^^^^^
        hint: exported: a, b, c, d, e, handle

      peach.conf/b.yaml:3:31: tasks.three.timeout: expected a duration of at most 14m, given 20m [PEACH105]
        3 |   three: {method: c, timeout: 20m, retry: 1}
          |                               ^^^
        hint: work that takes longer is done elsewhere and reported back: that is what \`external\` tasks are for

      peach.conf/b.yaml:3:36: tasks.three.retry: unknown key [PEACH101]
        3 |   three: {method: c, timeout: 20m, retry: 1}
          |                                    ^^^^^
        hint: did you mean \`retries\`? allowed keys: method, module, description, downstream, on, schedule, retries, timeout, run_if, each, concurrency, rate_limit, priority, debounce, external, late_after, tags, dispatch, open, callable

      peach.conf/c.yaml:1:1: expected a mapping, given a list [PEACH103]
        1 | - a list
          | ^^^^^^^^
        hint: each file of the folder has the keys of peach.conf at its top"
    `);
  });

  it("a peach.conf that is a folder reports a file that is no YAML, an alias of another file's anchor, and a key twice in one file", async () => {
    expect(
      await problemsOfFolder({
        "a.yaml": "tasks: &all\n  one: {method: a}\n",
        "b.yaml": "endpoints: *all\n",
        "c.yaml": "tasks: [\n",
        "d.yaml": "tasks:\n  four: {method: a}\n  four: {method: b}\n",
      }),
    ).toMatchInlineSnapshot(`
      "peach.conf/b.yaml:1:12: no anchor &all stands before this alias [PEACH008]
        1 | endpoints: *all
          |            ^^^^
        hint: an anchor is declared with &name, once, before its first *name

      peach.conf/c.yaml:1:8: the [ that opens here is not closed [PEACH019]
        1 | tasks: [
          |        ^
        hint: put a ] at its end

      peach.conf/d.yaml:3:3: \`four\` stands twice in one mapping [PEACH005]
        3 |   four: {method: b}
          |   ^^^^
        peach.conf/d.yaml:2:3: it stands here first
        2 |   four: {method: a}
          |   ^^^^
        hint: keep one of the two"
    `);
  });

  it("a peach.conf that is a folder knows the anchors of each file apart", async () => {
    const plan = await withFolder(
      {
        "a.yaml": "tasks:\n  one: &base {method: a, timeout: 3s}\nendpoints:\n  e: {method: handle, auth: none}\n",
        "b.yaml": "endpoints:\n  f: &base {method: handle, auth: none, url: /f}\n  g: {<<: *base, url: /g}\n",
        "c.yaml": "tasks:\n  two: &base {method: b, timeout: 9s}\n  three: *base\n",
      },
      (paths) => checkProject(paths).compiled?.plan,
    );
    expect(plan?.tasks["three"]).toMatchObject({ timeoutMs: 9_000 });
  });

  it("a peach.conf that is a folder reports tasks without names in one file beside those of another", async () => {
    expect(
      await problemsOfFolder({
        "a.yaml": "tasks:\n",
        "b.yaml": "tasks:\n  one: {method: a}\n",
        "c.yaml": "tasks: [one]\n",
      }),
    ).toMatchInlineSnapshot(`
      "peach.conf/a.yaml:1:1: tasks: expected a mapping of task names, given nothing [PEACH109]
        1 | tasks:
          | ^^^^^
        hint: it is written as
          tasks:
            name:
              method: exported_function

      peach.conf/c.yaml:1:8: tasks: expected a mapping of task names, given a list [PEACH109]
        1 | tasks: [one]
          |        ^^^^^
        hint: it is written as
          tasks:
            name:
              method: exported_function"
    `);
  });

  it("a peach.conf that is a folder reports a folder without YAML, and one whose files are empty", async () => {
    expect(await problemsOfFolder({ "peach.txt": "tasks:" })).toMatchInlineSnapshot(`
      "peach.conf:1:1: the folder holds no *.yaml or *.yml file [PEACH002]
        hint: it needs at least one task or endpoint, as in tasks: {hello: {method: hello}}"
    `);
    expect(await problemsOfFolder({ "a.yaml": "# one\n", "b.yaml": "" })).toMatchInlineSnapshot(`
      "peach.conf/a.yaml:1:1: the file is empty [PEACH002]
        1 | # one
          | ^
        hint: it needs at least one task or endpoint, as in tasks: {hello: {method: hello}}"
    `);
  });

  it(
    "a peach.conf that is a folder reports edges whose types do not fit in the file that has the edge",
    { timeout: 30_000 },
    async () => {
      const pipelines = {
        "tasks.ts": `import { task } from "peach/task-helpers";
import { z } from "zod";
export const a = task({ output: z.string(), run: async () => "" });
export const b = task({ input: z.object({ n: z.number() }), run: async ({ n }) => n });
`,
      };
      const files = {
        "a.yaml": "tasks:\n  two: {method: b}\n",
        "b.yaml": "tasks:\n  one: {method: a, downstream: two}\n",
      };
      const places = await withFolder(
        files,
        async (paths, folder) =>
          (await checkAll(paths)).diagnostics.map((one) =>
            renderDiagnostic(one).split(": ")[0]?.replace(`${folder}/`, ""),
          ),
        { pipelines },
      );
      expect(places).toEqual(["peach.conf/b.yaml:2:32"]);
    },
  );

  it("a peach.conf that is a folder is found by its name, and by PEACH_CONF; a link to a file in it is read", async () => {
    await withFolder({ "sub/a.yaml": "tasks: {one: {method: a}}\n" }, (paths, folder) => {
      expect(projectPaths({}, folder).confPath).toBe(paths.confPath);
      const sub = projectPaths({ PEACH_CONF: "peach.conf/sub" }, folder, folder).confPath;
      mkdirSync(join(folder, "links"));
      symlinkSync(join(sub, "a.yaml"), join(folder, "links", "b.yaml"));
      for (const confPath of [sub, join(folder, "links")])
        expect(Object.keys(checkProject({ ...paths, confPath }).compiled?.plan.tasks ?? {})).toEqual(["one"]);
    });
  });

  it("a peach.conf that is a folder reads linked folders, and ends at a link to a folder above", async () => {
    const files = { "a.yaml": "tasks: {one: {method: a}}\n" };
    await withFolder(files, (paths, folder) => {
      mkdirSync(join(folder, "shared"));
      writeFileSync(join(folder, "shared", "b.yaml"), "tasks: {two: {method: b}}\n");
      symlinkSync(join(folder, "shared"), join(paths.confPath, "linked"));
      symlinkSync(paths.confPath, join(paths.confPath, "loop"));
      expect(Object.keys(checkProject(paths).compiled?.plan.tasks ?? {})).toEqual(["one", "two"]);
    });
  });

  it("a peach.conf that is a folder refuses pipes, sockets and devices by their names, and waits for none", async () => {
    const files = { "a.yaml": "tasks: {one: {method: a}}\n" };
    await withFolder(files, async (paths, folder) => {
      execFileSync("mkfifo", [join(paths.confPath, "b.yaml")]);
      const server = createServer().listen(join(paths.confPath, "c.yml"));
      await once(server, "listening");
      symlinkSync("/dev/zero", join(paths.confPath, "d.yaml"));
      const problems = checkProject(paths).diagnostics.map((one) => renderDiagnostic(one).split("\n")[0]);
      server.close();
      expect(problems.map((line) => line?.replace(`${folder}/`, ""))).toEqual([
        "peach.conf/b.yaml:1:1: this is a named pipe, and no file to read [PEACH001]",
        "peach.conf/c.yml:1:1: this is a socket, and no file to read [PEACH001]",
        "peach.conf/d.yaml:1:1: this is a device, and no file to read [PEACH001]",
      ]);
    });
  });
});
