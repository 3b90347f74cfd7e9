import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { checkProject } from "../../compiler/compile.ts";
import { diagnosticDocument, renderDiagnostic } from "../../compiler/diagnostic.ts";
import { displayPath } from "../../compiler/project-paths.ts";
import { readText } from "../../compiler/read-file.ts";
import { importConf, type Note } from "../../project/import/import-conf.ts";
import { readOriginal } from "../../project/import/original.ts";
import { ObstacleError, presentFiles, writeNewFiles, type Files } from "../../project/new-files.ts";
import { defineCommand, type CommandHost, type ExitCode } from "../command.ts";

/** `peach import`: takes over the configuration of the original Peach. */
export const importCommand = defineCommand({
  name: "import",
  summary: "takes over the peach.yaml of the original Peach",
  description: `Reads the configuration of the original Peach: FILE is its peach.yaml, or its folder
peach.conf. Writes peach.conf, a stub in src/pipelines for each function, with its Python code
beside if the notebook is there, and IMPORT.md: what needs a person, each with its place in FILE.
Overwrites nothing: with any of these files there already it writes none. What it writes passes
\`peach check\`, unless the original has a fault that only a person can mend, such as a cycle; then
it says so and exits with 1.`,
  words: [
    { name: "FILE", means: "file" },
    { name: "DIR", means: "file", optional: true },
  ],
  options: {
    json: {
      help:
        '{"ok", "files", "notes": [{"place", "text"}], "problems": [{"file", "line", ' +
        '"column", "message", "hint", "related"}]}',
    },
  },
  async run({ words: [file = "", dir = "."], options: { json } }, host) {
    const path = resolve(host.cwd, file);
    const target = resolve(host.cwd, dir);
    const read = readOriginal(path);
    if (!read.ok) {
      if (json === true)
        writeJson(host, { ok: false, problems: read.diagnostics.map(diagnosticDocument) });
      for (const diagnostic of read.diagnostics) host.err(`${renderDiagnostic(diagnostic)}\n`);
      return 1;
    }
    const folder = notebookFolder(path);
    const { conf, pipelines, notes } = importConf(read.original, (notebook) =>
      readText(resolve(folder, notebook)),
    );
    const files: Files = {
      "peach.conf": conf,
      ...Object.fromEntries(
        Object.entries(pipelines).map(([name, text]) => [`src/pipelines/${name}`, text]),
      ),
      "IMPORT.md": notesText(notes),
    };
    const present = presentOrObstacle(target, files);
    if (present !== null) {
      host.err(
        `${present}, so nothing was written.\nImport into another folder: peach ` +
          `import ${file} NEW-FOLDER`,
      );
      return 1;
    }
    writeNewFiles(target, files);
    return report(host, { target, files, notes, json: json === true });
  },
});

/** Says what prevents the files from being written; null if nothing does. */
function presentOrObstacle(target: string, files: Files): string | null {
  try {
    const present = presentFiles(target, files);
    if (present.length === 0) return null;
    const are = present.length === 1 ? "is" : "are";
    return `${present.join(", ")} ${are} there already in ${displayPath(target)}`;
  } catch (error) {
    if (error instanceof ObstacleError) return error.message;
    throw error;
  }
}

/** Notebooks are relative to the file, or to the folder that holds the folder of files. */
function notebookFolder(path: string): string {
  const isFolder = statSync(path).isDirectory();
  return isFolder ? resolve(path, "..") : dirname(path);
}

/** Checks the written files, and prints the result. */
function report(
  host: CommandHost,
  written: {
    readonly target: string;
    readonly files: Files;
    readonly notes: readonly Note[];
    readonly json: boolean;
  },
): ExitCode {
  const { target, files, notes, json } = written;
  const { diagnostics } = checkProject({
    projectRoot: host.projectRoot,
    confPath: join(target, "peach.conf"),
    pipelinesDir: join(target, "src/pipelines"),
    wranglerPath: join(target, "wrangler.toml"),
  });
  const ok = diagnostics.length === 0;
  if (json) {
    const problems = diagnostics.map(diagnosticDocument);
    writeJson(host, { ok, files: Object.keys(files), notes, problems });
    return ok ? 0 : 1;
  }
  for (const path of Object.keys(files)) host.out(`wrote ${displayPath(join(target, path))}`);
  host.out(`\nWhat needs a person (also in IMPORT.md):`);
  for (const { place, text } of notes) host.out(`  ${place}: ${text}`);
  for (const diagnostic of diagnostics) host.err(`\n${renderDiagnostic(diagnostic)}`);
  return ok ? 0 : 1;
}

function notesText(notes: readonly Note[]): string {
  const lines = notes.map(({ place, text }) => `- [ ] ${text} (${place})`);
  return `# What needs a person\n\n\`peach import\` has made peach.conf and src/pipelines. Delete this file when all is done.\n\n${lines.join("\n")}\n`;
}

function writeJson(host: CommandHost, document: object): void {
  host.out(JSON.stringify(document, null, 2));
}
