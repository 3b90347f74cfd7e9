/** The text of the generated files. Only text: `compile.ts` writes it. */
import { relative, sep } from "node:path";
import type { Plan } from "../domain/plan/plan.ts";
import type { EachTasks } from "./check-each.ts";
import type { PipelineModule } from "./discover.ts";
import { moduleOfNames, type ResolvedMethod } from "./methods.ts";
import type { ResolvedMethods } from "./plan.ts";

const HEADER = "// Made by `npm run compile` from peach.conf and the pipelines. Do not edit.\n";

/** Where the generated files go and what they import, all absolute. */
export interface EmitPaths {
  readonly outDir: string;
  /** Holds src/domain and src/execution. */
  readonly repoRoot: string;
}

/** `plan.ts`: the plan as a constant. Tasks have no prototype, so that no unknown name is found by accident. */
export function emitPlan(plan: Plan, { outDir, repoRoot }: EmitPaths): string {
  const { tasks, ...rest } = plan;
  const type = importPath(outDir, `${repoRoot}/src/domain/plan/plan.ts`);
  return `${HEADER}import type { Plan } from ${JSON.stringify(type)};

const tasks: Plan["tasks"] = Object.assign(Object.create(null), ${JSON.stringify(tasks, null, 2)});

export const plan: Plan = { ...${JSON.stringify(rest, null, 2)}, tasks };
`;
}

/**
 * `registry.ts`: the methods that peach.conf names, imported statically so that the bundler sees them, and all files of the pipelines,
 * for runs of another peach.conf. A file that the named methods do not need is imported when it is asked for: what it does when it
 * is evaluated, and throws, concerns nobody else.
 */
export function emitRegistry(
  methods: ResolvedMethods,
  modules: readonly PipelineModule[],
  { outDir, repoRoot }: EmitPaths,
): string {
  const tasks = uniqueByKey([...methods.tasks.values()]);
  const endpoints = uniqueByKey([...methods.endpoints.values(), ...methods.fallbacks.values()]);
  const imports = [
    ...tasks.map((method, index) => importLine(method, `task${index}`, outDir)),
    ...endpoints.map((method, index) => importLine(method, `endpoint${index}`, outDir)),
  ];
  const named = new Set([...tasks, ...endpoints].map(({ file }) => file));
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
  const type = importPath(outDir, `${repoRoot}/src/execution/author/method.ts`);
  return `${HEADER}import type { MethodRegistry } from ${JSON.stringify(type)};
${imports.join("")}${loads.map(({ line }) => line).join("")}
export const registry: MethodRegistry = {
  tasks: {${tasks.map(({ key }, index) => `\n    ${JSON.stringify(key)}: task${index},`).join("")}
  },
  endpoints: {${endpoints.map(({ key }, index) => `\n    ${JSON.stringify(key)}: endpoint${index},`).join("")}
  },
  others: {
    modules: {${loads.map(({ name, load }) => `\n      ${JSON.stringify(name)}: ${load},`).join("")}
    },
    moduleOf: {${[...moduleOfNames(modules)].map(([name, module]) => `\n      ${JSON.stringify(name)}: ${JSON.stringify(module)},`).join("")}
    },
  },
};
`;
}

/** `tasks.d.ts`: what the trigger of each task takes, so that `triggerTaskWithEvent` and `peach/client` are typed by task name. */
export function emitTaskTypes(
  methods: ResolvedMethods,
  eaches: EachTasks,
  { outDir, repoRoot }: EmitPaths,
): string {
  const { imports, typeOf } = methodTypes([...methods.tasks.values()], outDir);
  const entries = [...methods.tasks].map(
    ([name, method]) =>
      `    ${JSON.stringify(name)}: Takes<${typeOf(method)}>${eaches.has(name) ? "[]" : ""};\n`,
  );
  return `${HEADER}import type { input } from "zod";
import type { TypedTask } from ${JSON.stringify(importPath(outDir, `${repoRoot}/src/execution/author/method.ts`))};
${imports}
type Takes<Method> = Method extends TypedTask<infer Input, infer _> ? input<Input> : unknown;

declare module ${JSON.stringify(importPath(outDir, `${repoRoot}/src/contract/peach-tasks.ts`))} {
  interface PeachTasks {
${entries.join("")}  }
}
`;
}

/** Imports of types only, and how the type of a method is written with them. */
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

function importLine({ exportName, file }: ResolvedMethod, alias: string, outDir: string): string {
  return `import { ${exportName} as ${alias} } from ${JSON.stringify(importPath(outDir, file))};\n`;
}

/** What a file in `outDir` writes to import this file. */
export function importPath(outDir: string, file: string): string {
  const path = relative(outDir, file).split(sep).join("/");
  return path.startsWith(".") ? path : `./${path}`;
}

function uniqueByKey(methods: readonly ResolvedMethod[]): ResolvedMethod[] {
  return [...new Map(methods.map((method) => [method.key, method])).values()];
}
