/** Projects made of the examples that the definitions of codes have. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkAll } from "../../src/compiler/check.ts";
import type { Example } from "../../src/codes/definition.ts";
import { REST_OF_TEMPLATE } from "../../src/codes/deployment.ts";
import { checkProject } from "../../src/compiler/compile.ts";
import { type Diagnostic, renderDiagnostic } from "../../src/compiler/diagnostic.ts";
import { lintProject } from "../../src/compiler/lints/lint-project.ts";
import type { ProjectPaths } from "../../src/compiler/project-paths.ts";
import { REPO_ROOT } from "./project.ts";

type Files = Readonly<Record<string, string>>;

/** The files of an example by path. */
export function filesOf(example: Example): Files {
  return typeof example === "string" ? { "peach.conf": example } : example;
}

/** What the check says of an example: the codes, and the text with paths of the project. */
interface Said {
  readonly codes: readonly string[];
  readonly text: string;
}

/** The answers by example: the page shows what the test of the example has seen. */
const ASKED = new Map<Example, Promise<Said>>();

/** Checks an example, once. */
export function checkExample(example: Example): Promise<Said> {
  const asked = ASKED.get(example) ?? ask(example);
  ASKED.set(example, asked);
  return asked;
}

async function ask(example: Example): Promise<Said> {
  const folder = mkdtempSync(join(tmpdir(), "peach-code-"));
  try {
    const files = filesOf(example);
    for (const [path, text] of Object.entries({ ...filesBeside(files), ...files })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text.replace(REST_OF_TEMPLATE, restOfTemplate));
    }
    const paths = {
      projectRoot: REPO_ROOT,
      confPath: join(folder, "peach.conf"),
      pipelinesDir: join(folder, "src/pipelines"),
      wranglerPath: join(folder, "wrangler.toml"),
    };
    // Edges are asked of another process. Methods that are made here have none.
    const { diagnostics, warnings } = hasPipelines(files) ? await checkAll(paths) : withoutEdges(paths);
    const all = [...diagnostics, ...warnings];
    const text = all.map(renderDiagnostic).join("\n\n").replaceAll(`${folder}/`, "");
    return { codes: [...new Set(all.map(({ code }) => code))], text };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The problems and warnings without those of edges. */
function withoutEdges(paths: ProjectPaths): { diagnostics: readonly Diagnostic[]; warnings: readonly Diagnostic[] } {
  const project = checkProject(paths);
  return { diagnostics: project.diagnostics, warnings: [...project.warnings, ...lintProject(project, paths)] };
}

function hasPipelines(files: Files): boolean {
  return Object.keys(files).some((path) => path.includes("pipelines/"));
}

/** The files that an example leaves out: a wrangler.toml, and the secrets and methods that its conf names. */
function filesBeside(files: Files): Files {
  const conf = Object.entries(files).flatMap(([path, text]) => (path.startsWith("peach.conf") ? [text] : []));
  const secrets = [...conf.join("\n").matchAll(/secret: ?(\w+)/g)].map(([, name]) => `${name}=\n`);
  const beside = { "wrangler.toml": "", ".dev.vars.example": secrets.join("") };
  if (hasPipelines(files)) return beside;
  const named = [...conf.join("\n").matchAll(/(?:method|fallback): ?"?(\w+)/g)].map(([, name = ""]) => name);
  const methods = [...new Set(named)].map((name) => `export function ${name}() {}\n`);
  return { ...beside, "src/pipelines/tasks.ts": methods.join("") };
}

/** The tables of a new project's wrangler.toml. */
function restOfTemplate(): string {
  const template = readFileSync(join(REPO_ROOT, "templates/webhook/wrangler.toml"), "utf8");
  return template.slice(template.indexOf("[build]"));
}
