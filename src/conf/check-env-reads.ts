/**
 * Warns of what pipelines read of the `env` and `exports` of "cloudflare:workers" before anything is called. Where a task or an endpoint runs,
 * these have only what is the project's (`task/pipeline-env.ts`); while a file is evaluated they are those of the whole worker, Peach's own
 * bindings and secrets included. A guess: what a function reads that is called meanwhile is not seen. Reads the disk.
 */
import { Visitor, type Program } from "oxc-parser";
import type { Report } from "./diagnostic.ts";
import { readProgram } from "./read-file.ts";

const MODULE = "cloudflare:workers";
const WHOLE: ReadonlySet<string> = new Set(["env", "exports"]);

/** Reports each of them in these files. `display` makes the path that diagnostics show. */
export function checkEnvReads(files: Iterable<string>, display: (file: string) => string, report: Report): void {
  for (const file of files) {
    const read = readProgram(file);
    if (read === null) continue;
    const source = { path: display(file), text: read.text };
    for (const { name, start, end } of readsAtTopLevel(read.program)) {
      const has = name === "env" ? "has Peach's own bindings and secrets too" : "reaches Peach's own objects";
      report({ source, start, end }, `\`${name}\` of ${MODULE} is read while the file is evaluated, where it ${has}`, {
        hint: "read it in the function that needs it: there it has what is the project's",
      });
    }
  }
}

interface Read {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

function readsAtTopLevel(program: Program): Read[] {
  const { named, spaces } = importsOf(program);
  if (named.size === 0 && spaces.size === 0) return [];
  const reads: Read[] = [];
  /** Identifiers that read nothing, by where they begin. */
  const silent = new Set<number>();
  let depth = 0;
  const into = (): void => void (depth += 1);
  const outOf = (): void => void (depth -= 1);
  const quiet = ({ start }: { readonly start: number }): void => void silent.add(start);
  new Visitor({
    FunctionDeclaration: into,
    "FunctionDeclaration:exit": outOf,
    FunctionExpression: into,
    "FunctionExpression:exit": outOf,
    ArrowFunctionExpression: into,
    "ArrowFunctionExpression:exit": outOf,
    PropertyDefinition({ key, computed, static: isStatic }) {
      if (!computed) quiet(key);
      if (!isStatic) into();
    },
    "PropertyDefinition:exit"({ static: isStatic }) {
      if (!isStatic) outOf();
    },
    MethodDefinition({ key, computed }) {
      if (!computed) quiet(key);
    },
    Property({ key, computed, shorthand }) {
      if (!computed && !shorthand) quiet(key);
    },
    ImportDeclaration: ({ specifiers }) => specifiers.forEach(({ local }) => quiet(local)),
    // What is passed on is not read.
    ExportSpecifier: ({ local }) => quiet(local),
    TSTypeQuery: ({ exprName }) => quiet(exprName),
    TSQualifiedName: ({ left }) => quiet(left),
    MemberExpression({ object, property, computed, start, end }) {
      if (!computed) quiet(property);
      if (object.type !== "Identifier" || !spaces.has(object.name)) return;
      // Its classes, and whatever else it has.
      if (!computed && property.type === "Identifier" && !WHOLE.has(property.name)) quiet(object);
      if (depth > 0 || computed || property.type !== "Identifier" || !WHOLE.has(property.name)) return;
      quiet(object);
      reads.push({ name: property.name, start, end });
    },
    Identifier({ name, start, end }) {
      if (depth > 0 || silent.has(start)) return;
      const read = named.get(name) ?? (spaces.has(name) ? "env" : undefined);
      if (read === undefined) return;
      reads.push({ name: read, start, end });
      // The same again as the value of `{ env }`.
      silent.add(start);
    },
  }).visit(program);
  return reads;
}

/** What the file calls `env` and `exports` of the module, and the module itself. */
function importsOf(program: Program): { readonly named: Map<string, string>; readonly spaces: Set<string> } {
  const named = new Map<string, string>();
  const spaces = new Set<string>();
  for (const statement of program.body) {
    if (statement.type !== "ImportDeclaration" || statement.source.value !== MODULE || statement.importKind === "type")
      continue;
    for (const specifier of statement.specifiers) {
      if (specifier.type === "ImportNamespaceSpecifier") spaces.add(specifier.local.name);
      if (specifier.type !== "ImportSpecifier" || specifier.importKind === "type") continue;
      const { imported, local } = specifier;
      if (imported.type === "Identifier" && WHOLE.has(imported.name)) named.set(local.name, imported.name);
    }
  }
  return { named, spaces };
}
