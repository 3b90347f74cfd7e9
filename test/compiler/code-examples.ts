/** Projects made of the examples that the definitions of codes have. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkAll } from "../../src/compiler/check.ts";
import type { Example } from "../../src/codes/definition.ts";
import { REST_OF_TEMPLATE } from "../../src/codes/deployment.ts";
import { checkProject } from "../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../src/compiler/diagnostic.ts";
import { REPO_ROOT } from "./project.ts";

type Files = Readonly<Record<string, string>>;

/** The files of an example by path. */
export function filesOf(example: Example): Files {
  return typeof example === "string" ? { "peach.conf": example } : example;
}

/** What the check says of an example: the codes, and the text with paths of the project. */
export async function checkExample(example: Example): Promise<{ codes: string[]; text: string }> {
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
    const { diagnostics, warnings } = hasPipelines(files) ? await checkAll(paths) : checkProject(paths);
    const all = [...diagnostics, ...warnings];
    const text = all.map(renderDiagnostic).join("\n\n").replaceAll(`${folder}/`, "");
    return { codes: [...new Set(all.map(({ code }) => code))], text };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function hasPipelines(files: Files): boolean {
  return Object.keys(files).some((path) => path.includes("pipelines/"));
}

/** The files that an example leaves out: a wrangler.toml, and the methods that its conf names. */
function filesBeside(files: Files): Files {
  if (hasPipelines(files)) return { "wrangler.toml": "" };
  const conf = Object.entries(files).flatMap(([path, text]) => (path.startsWith("peach.conf") ? [text] : []));
  const named = [...conf.join("\n").matchAll(/(?:method|fallback): ?"?(\w+)/g)].map(([, name = ""]) => name);
  const methods = [...new Set(named)].map((name) => `export function ${name}() {}\n`);
  return { "wrangler.toml": "", "src/pipelines/tasks.ts": methods.join("") };
}

/** The tables of a new project's wrangler.toml. */
function restOfTemplate(): string {
  const template = readFileSync(join(REPO_ROOT, "templates/webhook/wrangler.toml"), "utf8");
  return template.slice(template.indexOf("[build]"));
}
