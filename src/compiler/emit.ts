/** Makes the text of the generated files. `compile.ts` writes them. */
import { relative, sep } from "node:path";
import type { Plan } from "../domain/plan/plan.ts";
import type { PipelineModule } from "./discover.ts";
import { moduleOfNames, type ResolvedMethod } from "./methods.ts";
import type { ResolvedMethods } from "./plan.ts";

/** The first line of each generated file. */
export const HEADER =
  "// Made by `npm run compile` from peach.conf and the pipelines. Do not edit.\n";

/**
 * Text of `project.ts`, which src/index.ts imports. The worker is evaluated before any author's
 * file, whatever the order of the imports in src/index.ts: it hides its own part of `env`.
 */
export const PROJECT_MODULE = `${HEADER}import "peach/worker";
export { plan } from "./plan.ts";
export { registry as methods } from "./registry.ts";
`;

/**
 * Makes `plan.ts`, the plan as a constant. The tasks have no prototype: a task called `toString` is
 * unknown unless peach.conf has it.
 */
export function emitPlan(plan: Plan): string {
  const { tasks, ...rest } = plan;
  return `${HEADER}import type { Plan } from "peach/worker";

const tasks: Plan["tasks"] = Object.assign(Object.create(null), ${JSON.stringify(tasks, null, 2)});

export const plan: Plan = { ...${JSON.stringify(rest, null, 2)}, tasks };
`;
}

/**
 * Makes `registry.ts`: the methods of peach.conf, and all files of the pipelines for runs of
 * another peach.conf.
 *
 * Named methods are imported statically, where the bundler sees the imports. Other files are
 * imported on demand: side effects and errors of a file affect only the runs that use the file.
 */
export function emitRegistry(
  methods: ResolvedMethods,
  modules: readonly PipelineModule[],
  outDir: string,
): string {
  const tasks = uniqueByKey([...methods.tasks.values()]);
  const isServing = (name: string): boolean => methods.components.has(name);
  const fallbacks = [...methods.fallbacks];
  const endpoints = uniqueByKey([
    ...methods.endpoints.values(),
    ...fallbacks.flatMap(([name, method]) => (isServing(name) ? [] : [method])),
  ]);
  const components = uniqueByKey([
    ...[...methods.components.values()].flatMap((parts) => [...parts.values()]),
    ...fallbacks.flatMap(([name, method]) => (isServing(name) ? [method] : [])),
  ]);
  const imports = [
    ...tasks.map((method, index) => importLine(method, `task${index}`, outDir)),
    ...endpoints.map((method, index) => importLine(method, `endpoint${index}`, outDir)),
    ...components.map((method, index) => importLine(method, `component${index}`, outDir)),
  ];
  const named = new Set([...tasks, ...endpoints, ...components].map(({ file }) => file));
  // Files that named methods evaluate anyway cost nothing more as static imports.
  const evaluated = new Set(
    modules.flatMap(({ file, evaluates }) => (named.has(file) ? [...evaluates] : [])),
  );
  const exporting = modules.filter(({ exports }) => exports.size > 0);
  const loads = exporting.map(({ name, file }, index) => {
    const path = JSON.stringify(importPath(outDir, file));
    if (!evaluated.has(file)) return { name, line: "", load: `() => import(${path})` };
    return {
      name,
      line: `import * as module${index} from ${path};\n`,
      load: `async () => module${index}`,
    };
  });
  return `${HEADER}import type { MethodRegistry } from "peach/worker";
${imports.join("")}${loads.map(({ line }) => line).join("")}
export const registry: MethodRegistry = {
  tasks: {${tasks.map(({ key }, index) => `\n    ${JSON.stringify(key)}: task${index},`).join("")}
  },
  endpoints: {${endpoints.map(({ key }, index) => `\n    ${JSON.stringify(key)}: endpoint${index},`).join("")}
  },
${componentsOf(components)}  others: {
    modules: {${loads.map(({ name, load }) => `\n      ${JSON.stringify(name)}: ${load},`).join("")}
    },
    moduleOf: {${[...moduleOfNames(modules)].map(([name, module]) => `\n      ${JSON.stringify(name)}: ${JSON.stringify(module)},`).join("")}
    },
  },
};
`;
}

/** Makes the part of the registry with components; nothing without any. */
function componentsOf(components: readonly ResolvedMethod[]): string {
  if (components.length === 0) return "";
  const lines = components.map(
    ({ key }, index) => `\n    ${JSON.stringify(key)}: component${index},`,
  );
  return `  components: {${lines.join("")}
  },
`;
}

/** Makes the type imports of some methods, and writes the type of each method with them. */
export function methodTypes(
  methods: readonly ResolvedMethod[],
  outDir: string,
): { readonly imports: string; readonly typeOf: (method: ResolvedMethod) => string } {
  const files = [...new Set(methods.map(({ file }) => file))];
  const imports = files.map(
    (file, index) =>
      `import type * as module${index} from ${JSON.stringify(importPath(outDir, file))};\n`,
  );
  return {
    imports: imports.join(""),
    typeOf: ({ file, exportName }) => `typeof module${files.indexOf(file)}.${exportName}`,
  };
}

/** Imports a method under an alias: two files may export the same name. */
function importLine({ exportName, file }: ResolvedMethod, alias: string, outDir: string): string {
  return `import { ${exportName} as ${alias} } from ${JSON.stringify(importPath(outDir, file))};\n`;
}

/** Makes the specifier by which a file in `outDir` imports another file. */
function importPath(outDir: string, file: string): string {
  const path = relative(outDir, file).split(sep).join("/");
  return path.startsWith(".") ? path : `./${path}`;
}

/** Drops repeated methods; several tasks may have the same one. */
function uniqueByKey(methods: readonly ResolvedMethod[]): ResolvedMethod[] {
  return [...new Map(methods.map((method) => [method.key, method])).values()];
}
