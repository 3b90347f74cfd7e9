import {
  cpSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { PACKAGE_ROOT } from "../../../src/compiler/project-paths.ts";
import { templateFiles } from "../../../src/project/init/templates.ts";
import { textOf } from "../../../src/project/json-text.ts";
import { planUpgrade, type UpgradePlan } from "../../../src/project/upgrade/upgrade.ts";
import { lineDiff } from "../../../src/project/upgrade/diff.ts";
import { hostFor } from "../../scripts/command-line.ts";
import { runCommand } from "../../../src/cli/run.ts";

const FORK = join(import.meta.dirname, "../../golden/0.2.0/project");
const NAMES = [
  "package.json",
  "wrangler.toml",
  "src/index.ts",
  "tsconfig.json",
  "peach.conf",
  "src/pipelines/newsroom.ts",
  "src/pipelines/print-desk.ts",
];
const TEMPLATE = new Map(
  Object.entries(templateFiles(PACKAGE_ROOT, "webhook")).map(([path, content]) => [path, textOf(content)]),
);
const RELEASE = { version: "1.2.0", specifier: "1.2.0", template: TEMPLATE };

/** The files of the fork, some of them changed. */
function fork(changes: Readonly<Record<string, (text: string) => string>> = {}): Map<string, string> {
  return new Map(
    NAMES.map((name) => {
      const text = readFileSync(join(FORK, name), "utf8");
      return [name, changes[name]?.(text) ?? text];
    }),
  );
}

/** The text of a file after the upgrade. */
function after(plan: UpgradePlan, path: string): string {
  return plan.changes.find((change) => change.path === path)?.after ?? "(not changed)";
}

/** The files after an upgrade. */
function upgraded(files: ReadonlyMap<string, string>, plan: UpgradePlan): Map<string, string> {
  return new Map([...files, ...plan.changes.map(({ path, after: text }) => [path, text] as const)]);
}

describe("an upgrade of a fork of 0.2.0", () => {
  const files = fork();
  const plan = planUpgrade(files, RELEASE);

  it("an upgrade of a fork of 0.2.0 changes five files and refuses nothing", () => {
    expect(plan.from).toBe("0.2.0");
    expect(plan.refusals).toEqual([]);
    expect(plan.changes.map(({ path }) => path)).toEqual([
      "src/index.ts",
      "wrangler.toml",
      "tsconfig.json",
      "peach.conf",
      "package.json",
    ]);
  });

  it("an upgrade of a fork of 0.2.0 that ended after any of its files is completed by the next one", () => {
    const whole = upgraded(files, plan);
    for (const count of plan.changes.keys()) {
      const half = upgraded(files, { ...plan, changes: plan.changes.slice(0, count) });
      const next = planUpgrade(half, RELEASE);
      expect(next.refusals).toEqual([]);
      expect(upgraded(half, next), `after ${count} files`).toEqual(whole);
    }
  });

  it("an upgrade of a fork of 0.2.0 is the same where the package was installed before it", () => {
    const installed = fork({
      "package.json": (text) => text.replace('"dependencies": {', '$&\n    "peach": "^1.2.0",'),
    });
    expect(JSON.parse(installed.get("package.json") ?? "")).toHaveProperty("dependencies.peach", "^1.2.0");
    const late = planUpgrade(installed, RELEASE);
    expect([late.from, late.refusals, late.notes]).toEqual(["0.2.0", [], plan.notes]);
    expect(upgraded(installed, late)).toEqual(upgraded(files, plan));
    const again = planUpgrade(upgraded(installed, late), RELEASE);
    expect([again.from, again.changes]).toEqual(["1.2.0", []]);
  });

  it("an upgrade of a fork of 0.2.0 deploys the package, and keeps what the user exports beside it", () => {
    expect(after(plan, "src/index.ts")).toMatchInlineSnapshot(`
      "/** The deployed worker, named by \`main\` in wrangler.toml. A release of Peach changes nothing here. */
      import { createPeach } from "peach/worker";
      import { methods, plan } from "./generated/project.ts";

      export * from "peach/worker";
      export default createPeach({ plan, methods });

      /** Our own service binding for the print desk. */
      export { PrintDesk } from "./pipelines/print-desk.ts";
      "
    `);
  });

  it("an upgrade of a fork of 0.2.0 names the package, drops what was Peach's own, and keeps the user's packages and scripts", () => {
    const manifest: unknown = JSON.parse(after(plan, "package.json"));
    expect(manifest).toMatchObject({
      name: "newsroom",
      dependencies: { peach: "1.2.0", zod: "4.6.7", slugify: "1.6.6" },
      // Vitest came with the clone, and a script of the user calls it.
      devDependencies: { prettier: "3.6.2", vitest: "5.1.1", wrangler: "4.156.2", typescript: "7.0.2" },
      scripts: {
        test: "vitest run test/newsroom",
        "seed-headlines": "node scripts/seed-headlines.js",
        dev: "peach dev",
        deploy: "wrangler deploy",
        peach: "peach",
      },
    });
    expect(manifest).not.toHaveProperty("imports");
    expect(manifest).not.toHaveProperty("dependencies.hono");
    expect(manifest).not.toHaveProperty("devDependencies.@stryker-mutator/core");
    expect(manifest).not.toHaveProperty("scripts.mutate");
  });

  it("an upgrade of a fork of 0.2.0 takes the bindings of object classes out of wrangler.toml, adds the migration of new classes, and touches nothing else", () => {
    const before = parse(files.get("wrangler.toml") ?? "");
    const { durable_objects: _bindings, migrations, ...rest } = before;
    expect(parse(after(plan, "wrangler.toml"))).toEqual({
      ...rest,
      migrations: [
        ...(Array.isArray(migrations) ? migrations : []),
        { tag: "v3", new_sqlite_classes: ["VectorsObject"] },
      ],
      build: { command: "npm run build", watch_dir: ["src", "peach.conf"] },
    });
    const comments = (text: string): string[] => text.split("\n").filter((line) => line.includes("#"));
    expect(comments(after(plan, "wrangler.toml"))).toEqual(comments(files.get("wrangler.toml") ?? ""));
  });

  it("an upgrade of a fork of 0.2.0 changes nothing when it is made again", () => {
    const again = planUpgrade(upgraded(files, plan), RELEASE);
    expect([again.from, again.changes, again.refusals]).toEqual(["1.2.0", [], []]);
  });

  it("an upgrade of a fork of 0.2.0 keeps a binding that is not Peach's, and a build command of the user's", () => {
    const own =
      '\n[[durable_objects.bindings]]\nname = "PRESENCE"\nclass_name = "Presence"\nscript_name = "presence"\n';
    const changed = planUpgrade(
      fork({ "wrangler.toml": (text) => text.replace('command = "npm run compile"', 'command = "make"') + own }),
      RELEASE,
    );
    expect(parse(after(changed, "wrangler.toml"))).toMatchObject({
      build: { command: "make" },
      durable_objects: { bindings: [{ name: "PRESENCE", class_name: "Presence", script_name: "presence" }] },
    });
  });

  it.each([
    ["beside a comment", "wrangler.toml", 'command = "npm run compile"', 'command = "npm run compile" # first'],
    ["of an environment", "wrangler.toml", "[vars]", '[env.staging.build]\ncommand = "npm run compile"\n\n[vars]'],
    ["in a script", "package.json", '"seed-headlines": "', '"seed-headlines": "npm run compile && '],
  ])("an upgrade of a fork of 0.2.0 keeps a script `compile` where the command %s calls it", (_, path, text, by) => {
    const kept = planUpgrade(fork({ [path]: (whole) => whole.replace(text, by) }), RELEASE);
    expect(kept.refusals).toEqual([]);
    expect(JSON.parse(after(kept, "package.json"))).toHaveProperty("scripts.compile", "peach check && peach compile");
    expect(JSON.parse(after(plan, "package.json"))).not.toHaveProperty("scripts.compile");
  });

  it("an upgrade of a fork of 0.2.0 names the scripts of the clone that a script of the user still calls", () => {
    const calls = (text: string): string =>
      text.replace(
        '"seed-headlines": "',
        '"ci": "npm run test:unit -- --bail && npm run check",\n    "seed-headlines": "',
      );
    const { notes, refusals } = planUpgrade(fork({ "package.json": calls }), RELEASE);
    expect(refusals).toEqual([]);
    expect(notes).toContain(
      "`test:unit` came with the clone and is no script any more: change the script `ci`, which calls it",
    );
    expect(plan.notes).toHaveLength(1);
  });

  it.each([
    [
      "src/index.ts",
      (text: string) =>
        text.replace(
          'export { default } from "./worker/worker.ts";',
          'import worker from "./worker/worker.ts";\nexport default wrap(worker);',
        ),
      "src/index.ts uses ./worker/worker.ts in another way",
    ],
    [
      "src/index.ts",
      (text: string) => text.replace('export { default } from "./worker/worker.ts";', "export default {};"),
      "src/index.ts has a default export of its own",
    ],
    [
      "wrangler.toml",
      (text: string) => text.replace('main = "src/index.ts"', 'main = "src/mine.ts"'),
      'wrangler.toml deploys "src/mine.ts"',
    ],
    ["wrangler.toml", (text: string) => `${text}\n[[`, "wrangler.toml is no TOML"],
    [
      "wrangler.toml",
      (text: string) =>
        `${text}\n[env.other.vars]\nHELP = """\n[[durable_objects.bindings]]\nname = "RUNS"\nclass_name = "RunObject"\n[end]\n"""\n`,
      "wrangler.toml has a text that looks like a table of it",
    ],
    [
      "wrangler.toml",
      (text: string) => `${text}\n[[migrations]]\ntag = "v3"\ndeleted_classes = ["AuditObject"]\n`,
      "wrangler.toml has a migration that deletes or renames AuditObject",
    ],
  ])(
    "an upgrade of a fork of 0.2.0 is refused with a reason where %s is not as expected (%#)",
    (path, change, reason) => {
      const refused = planUpgrade(fork({ [path]: change }), RELEASE);
      expect(refused.refusals.join("\n")).toContain(reason);
    },
  );
});

describe("an upgrade of a project", () => {
  const project = (changes: Readonly<Record<string, string>> = {}): Map<string, string> =>
    new Map([...TEMPLATE, ...Object.entries(changes)]);

  it("an upgrade of a project adds a migration for an object class that is new, behind the others and with a free tag", () => {
    const wrangler = TEMPLATE.get("wrangler.toml") ?? "";
    const old = wrangler.replace(
      /\[\[migrations\]\]\ntag = "v2"[^[]*\[[^\]]*\]\n\n\[\[migrations\]\]\ntag = "v3"[^[]*\[[^\]]*\]\n/,
      '[[migrations]]\ntag = "v7"\nnew_sqlite_classes = ["Presence"]\n',
    );
    const plan = planUpgrade(project({ "wrangler.toml": old }), { ...RELEASE, specifier: "0.3.0" });
    expect(plan.changes.map(({ path }) => path)).toEqual(["wrangler.toml"]);
    expect(lineDiff(old, after(plan, "wrangler.toml")).filter((line) => line.startsWith("+"))).toEqual([
      "+ [[migrations]]",
      '+ tag = "v8"',
      '+ new_sqlite_classes = ["IdentityObject", "AuditObject", "DeathsObject", "VectorsObject"]',
      "+",
    ]);
    expect(parse(after(plan, "wrangler.toml"))).toHaveProperty("queues.consumers");
  });

  it.each([
    [
      "a list in one value",
      (text: string) =>
        text
          .replaceAll(/\[\[migrations\]\]\ntag[^[]*\[[^\]]*\]\n/g, "")
          .replace("keep_names", 'migrations = [{ tag = "v1", new_sqlite_classes = ["RunObject"] }]\nkeep_names'),
    ],
    [
      "beside a text that looks like one",
      (text: string) =>
        `${text.replace('"AuditObject", ', "")}\n[vars]\nHELP = """\n[[migrations]]\ntag = "v1"\n[end]\n"""\n`,
    ],
  ])("an upgrade of a project is refused where the migrations are %s", (_, change) => {
    const old = change(TEMPLATE.get("wrangler.toml") ?? "");
    expect(() => parse(old)).not.toThrow();
    const { refusals } = planUpgrade(project({ "wrangler.toml": old }), RELEASE);
    expect(refusals.join()).toContain("writes its migrations in a way that this command cannot add to");
  });

  it("an upgrade of a project keeps the ends of lines of Windows", () => {
    const old = (TEMPLATE.get("wrangler.toml") ?? "").replace('"AuditObject", ', "").replaceAll("\n", "\r\n");
    const added = after(planUpgrade(project({ "wrangler.toml": old }), RELEASE), "wrangler.toml");
    expect(added).toContain('new_sqlite_classes = ["AuditObject"]\r\n');
    expect(added.replaceAll("\r\n", "")).not.toContain("\n");
  });

  it("an upgrade of a project is refused where an environment has migrations of its own", () => {
    const old = `${(TEMPLATE.get("wrangler.toml") ?? "").replace('"AuditObject", ', "")}\n[[env.staging.migrations]]\ntag = "v1"\n`;
    const { refusals } = planUpgrade(project({ "wrangler.toml": old }), RELEASE);
    expect(refusals.join()).toContain(
      'the environments staging of wrangler.toml have migrations of their own: add new_sqlite_classes = ["AuditObject"]',
    );
  });

  it("an upgrade of a project takes a worker of the user's own for nothing of a fork", () => {
    const index = `${TEMPLATE.get("src/index.ts") ?? ""}export { Own } from "./worker/worker.ts";\n`;
    expect(planUpgrade(project({ "src/index.ts": index }), { ...RELEASE, specifier: "0.3.0" })).toMatchObject({
      from: "0.3.0",
      changes: [],
      refusals: [],
    });
  });

  it("an upgrade of a project names the release, also in devDependencies", () => {
    const manifest = JSON.stringify({ devDependencies: { peach: "^1.0.0" } });
    const plan = planUpgrade(project({ "package.json": manifest }), RELEASE);
    expect(JSON.parse(after(plan, "package.json"))).toEqual({ devDependencies: { peach: "1.2.0" } });
  });

  it.each([
    ["tabs", (text: string) => text.replaceAll("  ", "\t")],
    ["four spaces", (text: string) => text.replaceAll("  ", "    ")],
    ["lines of Windows", (text: string) => text.replaceAll("\n", "\r\n")],
    ["a byte order mark", (text: string) => `\uFEFF${text}`],
    ["no line end at the end of the file", (text: string) => text.trimEnd()],
    ["nothing but one line", () => '{"name":"x","dependencies":{"peach":"0.2.0"}}\n'],
  ])("an upgrade of a project with %s in package.json changes the line of the version only", (_, styled) => {
    const old = styled((TEMPLATE.get("package.json") ?? "").replace(/"peach": "[\d.]+"/, '"peach": "0.2.0"'));
    const plan = planUpgrade(project({ "package.json": old }), RELEASE);
    expect(after(plan, "package.json")).toBe(old.replace(/(?<="peach": ?")0\.2\.0/, "1.2.0"));
  });

  it("an upgrade of a project lets peach.conf name its schema in the first line, once", () => {
    const [line = "", ...rest] = (TEMPLATE.get("peach.conf") ?? "").split("\n");
    const old = rest.join("\n");
    const plan = planUpgrade(project({ "peach.conf": old }), RELEASE);
    expect(after(plan, "peach.conf")).toBe(`# yaml-language-server: $schema=./src/generated/peach.schema.json\n${old}`);
    const windows = planUpgrade(project({ "peach.conf": "\uFEFFtasks:\r\n" }), RELEASE);
    expect(after(windows, "peach.conf")).toBe(`\uFEFF${line}\r\ntasks:\r\n`);
    const own = "# mine\n# yaml-language-server: $schema=./mine.json\ntasks:\n";
    expect(planUpgrade(project({ "peach.conf": own }), RELEASE).changes.map(({ path }) => path)).not.toContain(
      "peach.conf",
    );
  });

  it.each(["wrangler.jsonc", "wrangler.json"])("an upgrade of a project that is deployed by %s is refused", (name) => {
    const { changes, refusals } = planUpgrade(project({ [name]: '{"name": "x"}' }), RELEASE);
    expect(changes).toEqual([]);
    expect(refusals).toEqual([
      `wrangler deploys by ${name}, which Peach does not read: write its content as wrangler.toml, and delete ${name}`,
    ]);
  });

  it.each(["1.3.0", "file:vendor/peach-1.10.0.tgz", "^2.0.0"])(
    "an upgrade of a project that has the later release %s is refused",
    (later) => {
      const manifest = JSON.stringify({ dependencies: { peach: later } });
      const { changes, refusals } = planUpgrade(project({ "package.json": manifest }), RELEASE);
      expect(changes).toEqual([]);
      expect(refusals.join()).toContain("which is later than 1.2.0, the release of this command");
    },
  );

  it("an upgrade of a project is refused where package.json is no JSON", () => {
    const { refusals } = planUpgrade(project({ "package.json": "{" }), RELEASE);
    expect(refusals.join()).toMatch(/^package\.json is no JSON \(.+\): mend it, and upgrade again$/);
  });

  it("an upgrade of a project is refused in a folder that is no project of Peach", () => {
    expect(planUpgrade(new Map([["package.json", "{}"]]), RELEASE).refusals).toEqual([
      expect.stringContaining("this is no project of Peach"),
    ]);
    expect(planUpgrade(new Map(), RELEASE).refusals).toHaveLength(1);
    // In a workspace the dependency may stand in another package.json.
    expect(planUpgrade(project({ "package.json": '{"name": "app"}' }), RELEASE).from).toBe(null);
  });
});

describe("peach upgrade", () => {
  async function upgradeIn(args: readonly string[], answer?: string, lock = "package-lock.json") {
    const folder = mkdtempSync(join(tmpdir(), "peach-upgrade-"));
    try {
      cpSync(FORK, folder, { recursive: true });
      writeFileSync(join(folder, lock), "");
      const { host, written } = hostFor({ ...(answer !== undefined && { answer }), projectRoot: folder });
      const code = await runCommand(["upgrade", "--peach", "1.2.0", ...args], host);
      const changed = NAMES.filter(
        (name) => readFileSync(join(folder, name), "utf8") !== readFileSync(join(FORK, name), "utf8"),
      );
      return { code, ...written(), changed };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const CHANGED = ["package.json", "wrangler.toml", "src/index.ts", "tsconfig.json", "peach.conf"];

  it("peach upgrade shows each change, asks, and changes what is agreed to", async () => {
    const { code, out, asked, changed } = await upgradeIn([], "y");
    expect([code, asked, changed]).toEqual([0, ["\nChange 5 files? [y/N] "], CHANGED]);
    expect(out).toContain('  - name = "RUNS"');
    expect(out).toContain('  + import { createPeach } from "peach/worker";');
    expect(out).toContain("Left to you: the files of Peach that came with the clone are not used any more");
  });

  it("peach upgrade changes nothing without a yes, without anybody to ask, or with --dry-run", async () => {
    expect(await upgradeIn([], "n")).toMatchObject({ code: 1, changed: [] });
    expect(await upgradeIn([])).toMatchObject({ code: 1, changed: [], err: expect.stringContaining("--yes") });
    expect(await upgradeIn(["--dry-run", "--yes"])).toMatchObject({ code: 1, changed: [], asked: [] });
  });

  it("peach upgrade changes nothing if a file was saved after its change was shown", async () => {
    const folder = mkdtempSync(join(tmpdir(), "peach-upgrade-"));
    try {
      cpSync(FORK, folder, { recursive: true });
      const conf = join(folder, "peach.conf");
      const { host, written } = hostFor({ projectRoot: folder });
      const ask = async () => {
        writeFileSync(conf, "# mine\n");
        return "y";
      };
      expect(await runCommand(["upgrade", "--peach", "1.2.0"], { ...host, ask })).toBe(1);
      expect(written().err).toContain("peach.conf was changed meanwhile");
      expect(readFileSync(conf, "utf8")).toBe("# mine\n");
      const index = "src/index.ts";
      expect(readFileSync(join(folder, index), "utf8")).toBe(readFileSync(join(FORK, index), "utf8"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("peach upgrade does not ask with --yes", async () => {
    expect(await upgradeIn(["--yes"])).toMatchObject({ code: 0, changed: CHANGED, asked: [] });
  });

  it("peach upgrade leaves nothing beside the files, and a link is one afterwards", async () => {
    const folder = mkdtempSync(join(tmpdir(), "peach-upgrade-"));
    try {
      cpSync(FORK, folder, { recursive: true });
      renameSync(join(folder, "wrangler.toml"), join(folder, "deployment.toml"));
      symlinkSync("deployment.toml", join(folder, "wrangler.toml"));
      const before = readdirSync(folder).toSorted();
      const { host } = hostFor({ projectRoot: folder });
      expect(await runCommand(["upgrade", "--peach", "1.2.0", "--yes"], host)).toBe(0);
      expect(readdirSync(folder).toSorted()).toEqual(before);
      expect(lstatSync(join(folder, "wrangler.toml")).isSymbolicLink()).toBe(true);
      expect(readFileSync(join(folder, "deployment.toml"), "utf8")).toContain("VectorsObject");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each([
    ["package-lock.json", "npm"],
    ["pnpm-lock.yaml", "pnpm"],
    ["yarn.lock", "yarn"],
  ])("peach upgrade in a project with %s says what to type with %s", async (lock, manager) => {
    const { out } = await upgradeIn(["--yes"], undefined, lock);
    expect(out).toContain(`Next:\n  ${manager} install\n  ${manager} run check`);
  });
});

describe("a diff", () => {
  it("a diff shows changed lines with the lines around them", () => {
    const before = ["a", "b", "c", "d", "e", "f", "g"].join("\n");
    const text = ["a", "b", "c", "D", "d2", "e", "f", "g"].join("\n");
    expect(lineDiff(before, text)).toEqual(["...", "  b", "  c", "- d", "+ D", "+ d2", "  e", "  f", "..."]);
    expect(lineDiff("", "x\n")).toEqual(["+ x"]);
    expect(lineDiff("x\n", "x\n")).toEqual(["..."]);
  });
});
