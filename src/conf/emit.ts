/** The text of the generated files. Only text: `compile.ts` writes it. */
import { relative, sep } from "node:path";
import type { Plan } from "../core/plan.ts";
import type { EachTasks } from "./check-each.ts";
import type { ResolvedMethod } from "./methods.ts";
import type { ResolvedMethods } from "./plan.ts";

const HEADER = "// Made by `npm run compile` from peach.conf and the pipelines. Do not edit.\n";

/** Where the generated files go and what they import, all absolute. */
export interface EmitPaths {
  readonly outDir: string;
  /** Holds src/core and src/task. */
  readonly repoRoot: string;
}

/** `plan.ts`: the plan as a constant. Tasks have no prototype, so that no unknown name is found by accident. */
export function emitPlan(plan: Plan, { outDir, repoRoot }: EmitPaths): string {
  const { tasks, ...rest } = plan;
  const type = importPath(outDir, `${repoRoot}/src/core/plan.ts`);
  return `${HEADER}import type { Plan } from ${JSON.stringify(type)};

const tasks: Plan["tasks"] = Object.assign(Object.create(null), ${JSON.stringify(tasks, null, 2)});

export const plan: Plan = { ...${JSON.stringify(rest, null, 2)}, tasks };
`;
}

/** `registry.ts`: the methods that peach.conf names, imported statically so that the bundler sees them. */
export function emitRegistry(methods: ResolvedMethods, { outDir, repoRoot }: EmitPaths): string {
  const tasks = uniqueByKey([...methods.tasks.values()]);
  const endpoints = uniqueByKey([...methods.endpoints.values(), ...methods.fallbacks.values()]);
  const imports = [
    ...tasks.map((method, index) => importLine(method, `task${index}`, outDir)),
    ...endpoints.map((method, index) => importLine(method, `endpoint${index}`, outDir)),
  ];
  const type = importPath(outDir, `${repoRoot}/src/task/method.ts`);
  return `${HEADER}import type { MethodRegistry } from ${JSON.stringify(type)};
${imports.join("")}
export const registry: MethodRegistry = {
  tasks: {${tasks.map(({ key }, index) => `\n    ${JSON.stringify(key)}: task${index},`).join("")}
  },
  endpoints: {${endpoints.map(({ key }, index) => `\n    ${JSON.stringify(key)}: endpoint${index},`).join("")}
  },
};
`;
}

/** `tasks.d.ts`: what the trigger of each task takes, so that `triggerTaskWithEvent` and `peach/client` are typed by task name. */
export function emitTaskTypes(methods: ResolvedMethods, eaches: EachTasks, { outDir, repoRoot }: EmitPaths): string {
  const { imports, typeOf } = methodTypes([...methods.tasks.values()], outDir);
  const entries = [...methods.tasks].map(
    ([name, method]) => `    ${JSON.stringify(name)}: Takes<${typeOf(method)}>${eaches.has(name) ? "[]" : ""};\n`,
  );
  return `${HEADER}import type { input } from "zod";
import type { TypedTask } from ${JSON.stringify(importPath(outDir, `${repoRoot}/src/task/method.ts`))};
${imports}
type Takes<Method> = Method extends TypedTask<infer Input, infer _> ? input<Input> : unknown;

declare module ${JSON.stringify(importPath(outDir, `${repoRoot}/src/task/peach-tasks.ts`))} {
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
    (file, index) => `import type * as module${index} from ${JSON.stringify(importPath(outDir, file))};\n`,
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
