import { checkProject } from "../../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../../src/compiler/diagnostic.ts";
import { lintProject } from "../../../src/compiler/lints/lint-project.ts";
import { positionAt } from "../../../src/compiler/source.ts";
import { type ProjectTexts, withProject } from "../project.ts";

/** The warnings of the lints, as `CODE file:line`; paths are below the project. */
export function warned(texts: ProjectTexts): Promise<string[]> {
  return withProject(texts, (paths, folder) => {
    const project = checkProject(paths);
    if (project.compiled === null) throw new Error(project.diagnostics.map(renderDiagnostic).join("\n"));
    return lintProject(project, paths).map(
      ({ code, span }) =>
        `${code} ${span.source.path.replace(`${folder}/`, "")}:${positionAt(span.source, span.start).line}`,
    );
  });
}
