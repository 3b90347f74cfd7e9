import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { checkProject } from "../../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../../src/compiler/diagnostic.ts";
import { PACKAGE_ROOT, projectPaths } from "../../../src/compiler/project-paths.ts";
import { ProjectNameError, projectName } from "../../../src/project/init/init.ts";
import { findPeachSource } from "../../../src/project/init/peach-source.ts";
import { GITIGNORE, templateFiles } from "../../../src/project/init/templates.ts";
import { textOf } from "../../../src/project/json-text.ts";
import { commandLine } from "../../scripts/command-line.ts";

/** Runs `use` in a new folder. */
async function inFolder<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "peach-init-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const repository = (path: string): string => readFileSync(join(PACKAGE_ROOT, path), "utf8");

describe("peach init", () => {
  it.each(["webhook", "blank", "transcription", "audio_transcription"])(
    "peach init makes a project of the example %s without problems, named after its folder",
    async (example) => {
      await inFolder(async (folder) => {
        const project = join(folder, "news-desk");
        const { code, err, out } = await commandLine(["init", project, "--example", example, "--peach", "1.2.0"]);
        expect([code, err]).toEqual([0, ""]);
        const read = (path: string): string => readFileSync(join(project, path), "utf8");
        expect(checkProject(projectPaths({}, project)).diagnostics.map(renderDiagnostic)).toEqual([]);
        expect(JSON.parse(read("package.json"))).toMatchObject({ name: "news-desk", dependencies: { peach: "1.2.0" } });
        const queues = [...read("wrangler.toml").matchAll(/queue = "(.*)"/g)].map(([, name]) => name);
        expect(new Set(queues)).toEqual(new Set(["news-desk-runs", "news-desk-r2-events", "news-desk-dead-letters"]));
        expect(read("wrangler.toml")).toMatch(/^name = "news-desk"\n/);
        expect(read("README.md")).toMatch(/^# news-desk\n/);
        expect(read("src/index.ts")).toBe(repository("src/index.ts"));
        expect(out).toContain("npm install");
      });
    },
  );

  it("peach init overwrites nothing in an existing folder, and says what to merge", async () => {
    await inFolder(async (folder) => {
      const project = join(folder, "desk");
      mkdirSync(project);
      const own = `${JSON.stringify({ name: "desk", scripts: { dev: "vite" }, dependencies: { hono: "4" } })}\n`;
      writeFileSync(join(project, "package.json"), own);
      writeFileSync(join(project, ".gitignore"), "node_modules/\ndist/\n");
      writeFileSync(join(project, "wrangler.toml"), 'name = "desk"\n');
      const { code, out } = await commandLine(["init", project, "--peach", "1.2.0"]);
      expect(code).toBe(0);
      expect(readFileSync(join(project, "package.json"), "utf8")).toBe(own);
      expect(readFileSync(join(project, ".gitignore"), "utf8")).toBe("node_modules/\ndist/\n");
      expect(existsSync(join(project, "peach.conf"))).toBe(true);
      expect(out.slice(out.indexOf("These files"), out.indexOf("Next"))).toMatchInlineSnapshot(`
        "These files were there already and stay as they are:
          package.json: add
              "type": "module"
              "scripts": "demo": "peach demo"
              "scripts": "check": "peach check"
              "scripts": "test": "peach test"
              "scripts": "build": "peach check && peach compile"
              "scripts": "deploy": "wrangler deploy"
              "scripts": "peach": "peach"
              "scripts": "peach:dev": "peach dev"   (dev is yours)
              "dependencies": "peach": "1.2.0"
              "dependencies": "zod": "4.6.7"
              "devDependencies": "@types/node": "24.19.2"
              "devDependencies": "typescript": "7.0.2"
              "devDependencies": "wrangler": "4.156.2"
              "allowScripts": "esbuild": true
              "allowScripts": "workerd": true
          .gitignore: add the lines .wrangler/, .peach/, .dev.vars, src/generated/, *.log
          wrangler.toml: it is kept as it is; compare it with the one that \`peach init\` writes into a new folder

        "
      `);
      // `npm run dev` is the user's own.
      expect(out.slice(out.indexOf("Next"))).toBe(
        `Next, when you have merged them:\n  cd ${relative(process.cwd(), project)}\n  npm install\n  npx peach demo\n  npx peach dev\n  npx peach test`,
      );
    });
  });

  it("peach init reads a package.json with a byte order mark, as some editors write it", async () => {
    await inFolder(async (folder) => {
      const project = join(folder, "desk");
      mkdirSync(project);
      writeFileSync(join(project, "package.json"), '\uFEFF{"type": "module"}\n');
      const { code, out } = await commandLine(["init", project, "--peach", "1.2.0"]);
      expect([code, out]).toEqual([0, expect.stringContaining('"dependencies": "peach": "1.2.0"')]);
      expect(out).not.toContain('add\n      "type"');
    });
  });

  it("peach init refuses a name that a Worker cannot have, proposes one, and writes nothing", async () => {
    await inFolder(async (folder) => {
      const { code, err } = await commandLine(["init", join(folder, "My Pipelines"), "--peach", "1.2.0"]);
      expect(code).toBe(1);
      expect(err).toContain("Call it my-pipelines, for example");
      expect(existsSync(join(folder, "My Pipelines"))).toBe(false);
    });
  });

  it.each(["Upper", "under_score", "-a", "a-", "a".repeat(49), "peach", "node_modules", "a.b", "ä"])(
    "peach init does not take %s for the name of a project",
    (name) => {
      expect(() => projectName(`/tmp/${name}`)).toThrow(ProjectNameError);
    },
  );

  it.each([
    ["a folder in the place of a file", "README.md", (path: string) => mkdirSync(path)],
    ["a broken link in the place of a file", "peach.conf", (path: string) => symlinkSync("nowhere", path)],
    ["a file in the place of a folder", "test", (path: string) => writeFileSync(path, "")],
  ])("peach init writes nothing beside %s, and names it", async (_, name, put) => {
    await inFolder(async (parent) => {
      const folder = join(parent, "mine");
      mkdirSync(folder);
      put(join(folder, name));
      const { code, err } = await commandLine(["init", folder, "--peach", "1.2.0"]);
      expect(code).toBe(1);
      expect(err).toMatch(new RegExp(`${name} is no (file|folder): move it away`));
      expect(readdirSync(folder)).toEqual([name]);
    });
  });

  it("peach init refuses an example that there is not", async () => {
    const { code, err } = await commandLine(["init", "/tmp/x", "--example", "nothing"]);
    expect(code).toBe(2);
    expect(err).toContain(
      "--example: expected one of webhook, blank, transcription, collaborative_filtering, popular_items, similar_items, given nothing",
    );
  });
});

describe("the package in a new project", () => {
  /** Makes an installed package, with npm's record of where it came from. */
  function installed(folder: string, resolved: string | undefined): string {
    const root = join(folder, "node_modules", "peach");
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, "package.json"), JSON.stringify({ version: "1.2.0" }));
    const packages = { "node_modules/peach": { version: "1.2.0", resolved } };
    writeFileSync(join(folder, "node_modules", ".package-lock.json"), JSON.stringify({ packages }));
    return root;
  }

  it("the package in a new project is the version of the registry", async () => {
    for (const resolved of ["https://packages.example/peach/-/peach-1.2.0.tgz", undefined])
      await inFolder((folder) => {
        expect(findPeachSource(installed(folder, resolved), false)).toEqual({ specifier: "1.2.0" });
      });
  });

  it("the package in a new project is a copy of the packed file that it was installed from", async () => {
    await inFolder((folder) => {
      writeFileSync(join(folder, "peach 1.tgz"), "packed");
      const root = installed(join(folder, "cache"), "file:../peach%201.tgz");
      const source = findPeachSource(root, false);
      expect(source.specifier).toBe("file:vendor/peach 1.tgz");
      source.provide?.(join(folder, "project"));
      expect(readFileSync(join(folder, "project/vendor/peach 1.tgz"), "utf8")).toBe("packed");
    });
  });

  it("the package in a new project is refused if the packed file is gone", async () => {
    await inFolder((folder) => {
      expect(() => findPeachSource(installed(folder, "file:../gone.tgz"), false)).toThrow("gone.tgz, which is gone");
    });
  });
});

describe("the templates", () => {
  const webhook = templateFiles(PACKAGE_ROOT, "webhook");
  const text = (path: string): string => textOf(webhook[path]);

  it("the templates name packages in the versions that Peach itself is tested with", () => {
    const own: Record<string, Record<string, string>> = JSON.parse(repository("package.json"));
    const { version }: { version: string } = JSON.parse(repository("package.json"));
    const versions: Record<string, string | undefined> = {
      ...own["dependencies"],
      ...own["devDependencies"],
      peach: version,
    };
    const named: Record<string, Record<string, string>> = JSON.parse(text("package.json"));
    const all = Object.entries({ ...named["dependencies"], ...named["devDependencies"] });
    expect(all.filter(([name, one]) => versions[name] !== one)).toEqual([]);
    const create: Record<string, unknown> = JSON.parse(repository("create-peach/package.json"));
    expect(create).toMatchObject({ version, dependencies: { peach: version } });
  });

  it("the templates name each package that Peach leaves to the project, which not every package manager installs by itself", () => {
    const { peerDependencies }: { peerDependencies: Record<string, string> } = JSON.parse(repository("package.json"));
    const named: Record<string, Record<string, string>> = JSON.parse(text("package.json"));
    const all = Object.keys({ ...named["dependencies"], ...named["devDependencies"] });
    expect(all).toEqual(expect.arrayContaining(Object.keys(peerDependencies)));
  });

  it("the templates have the .gitignore that npm leaves out of the package", () => {
    expect(repository("templates/webhook/.gitignore")).toBe(GITIGNORE);
  });

  it("the templates deploy as the repository does, but with names of their own and without bindings of classes", () => {
    const own = parse(repository("wrangler.toml").replaceAll(/"peach-/g, '"my-pipelines-'));
    const template = parse(text("wrangler.toml"));
    expect(template["migrations"]).toEqual(own["migrations"]);
    expect(template["queues"]).toEqual(own["queues"]);
    expect(template["triggers"]).toEqual(own["triggers"]);
    expect(template["compatibility_date"]).toEqual(own["compatibility_date"]);
    expect(template).not.toHaveProperty("durable_objects");
  });

  it("the templates describe each binding and secret that a deploy button asks for", () => {
    const manifest: { cloudflare: { bindings: Record<string, unknown> }; scripts: Record<string, string> } = JSON.parse(
      text("package.json"),
    );
    expect(Object.keys(manifest.cloudflare.bindings)).toEqual([
      "PAYLOADS",
      "RUN_QUEUE",
      "R2_EVENT_QUEUE",
      "DEAD_LETTER_QUEUE",
      ...[...text(".dev.vars.example").matchAll(/^(\w+)=/gm)].map(([, name]) => name),
    ]);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(["build", "deploy"]));
  });
});
