import type { Expression, Program } from "oxc-parser";
import type { Span } from "../source.ts";
import type { LintedFile, LintedProject } from "./linted-project.ts";

/**
 * Warns of an exported task or async function that peach.conf does not name. A function that other
 * code of the pipelines names is no task, and neither is a function of a file without methods.
 */
export function lintMethods({ project, files, warn }: LintedProject): void {
  const { tasks, endpoints, fallbacks, components } = project.methods;
  const methods = [
    ...tasks.values(),
    ...endpoints.values(),
    ...fallbacks.values(),
    ...[...components.values()].flatMap((parts) => [...parts.values()]),
  ];
  const exportsOf = new Map(project.modules.map(({ file, exports }) => [file, exports]));
  // A method may be named by its re-export.
  const named = new Set(
    methods.map(
      ({ file, exportName }) => exportsOf.get(file)?.get(exportName) ?? `${file}#${exportName}`,
    ),
  );
  for (const file of files) {
    const own = [...(exportsOf.get(file.file)?.keys() ?? [])];
    const isNamed = (name: string): boolean => named.has(`${file.file}#${name}`);
    if (own.every(isNamed)) continue;
    const hasMethods = own.some(isNamed);
    const program = file.program();
    if (program === null) continue;
    for (const { name, span, kind } of declaredMethods(program, file)) {
      if (isNamed(name) || (kind === "function" && !hasMethods)) continue;
      if (isUsed(name, file, files)) continue;
      warn("PEACH720", span, `no task or endpoint of peach.conf names \`${name}\``, {
        hint:
          "name it as the `method` of a task or endpoint, or remove it; it is also deployed " +
          "for runs of an earlier peach.conf, which may still need it",
      });
    }
  }
}

/** An export that may be meant as a task. */
interface DeclaredMethod {
  readonly name: string;
  readonly span: Span;
  /** "task": made by `task({...})`. "function": an async function. */
  readonly kind: "task" | "function";
}

/** Collects the exported tasks and async functions that a file declares. */
function declaredMethods(program: Program, { source }: LintedFile): DeclaredMethod[] {
  const found: DeclaredMethod[] = [];
  const add = (id: { name: string; start: number; end: number }, kind: DeclaredMethod["kind"]) =>
    // The end of a variable's name includes its type.
    found.push({
      name: id.name,
      span: { source, start: id.start, end: id.start + id.name.length },
      kind,
    });
  for (const statement of program.body) {
    if (statement.type !== "ExportNamedDeclaration" || statement.declaration === null) continue;
    const { declaration } = statement;
    if (declaration.type === "FunctionDeclaration" && declaration.id !== null && declaration.async)
      add(declaration.id, "function");
    if (declaration.type !== "VariableDeclaration") continue;
    for (const { id, init } of declaration.declarations) {
      const kind = init === null ? null : kindOf(init);
      if (id.type === "Identifier" && kind !== null) add(id, kind);
    }
  }
  return found;
}

/**
 * Recognises `task({...})` and async functions. A method may also be a function that is not async,
 * but most exported functions of that kind are helpers, so the lint is silent about these.
 */
function kindOf(init: Expression): DeclaredMethod["kind"] | null {
  if (init.type === "CallExpression")
    return init.callee.type === "Identifier" && init.callee.name === "task" ? "task" : null;
  const isFunction = init.type === "ArrowFunctionExpression" || init.type === "FunctionExpression";
  return isFunction && init.async ? "function" : null;
}

/**
 * Tests if the name stands in another file, or twice in the declaring file. The test reads text: a
 * mention in a comment counts as well, and the lint is then silent.
 */
function isUsed(name: string, own: LintedFile, files: readonly LintedFile[]): boolean {
  const word = new RegExp(String.raw`(?<![\w$])${RegExp.escape(name)}(?![\w$])`, "g");
  return files.some(({ file, source }) => {
    const count = [...source.text.matchAll(word)].length;
    return file === own.file ? count > 1 : count > 0;
  });
}
