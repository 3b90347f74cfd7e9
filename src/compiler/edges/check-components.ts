/**
 * Compares the parameters of recommendation endpoints with the functions of their components. The
 * worker passes exactly the values that `params` of peach.conf allows, so the first parameter of a
 * function must accept these values. Only a certain misfit is reported.
 */
import type { ParamPlan } from "../../domain/plan/recommendation-plan.ts";
import type { CheckedProject } from "../compile.ts";
import type { Report } from "../diagnostic.ts";
import type { ResolvedMethod } from "../methods.ts";
import type { ProjectPaths } from "../project-paths.ts";
import { paramPlan } from "../schema-recommendation.ts";
import type { EndpointConf } from "../schema.ts";
import { askReader } from "./ask-reader.ts";
import { compareBare } from "./compare-sets.ts";
import { pathText } from "./edge-reports.ts";
import { exportSpan } from "./export-span.ts";
import { methodKey, withTsconfig } from "./method-sets.ts";
import { showSet } from "./show-set.ts";
import type { Signature } from "./signatures.ts";
import { requireTypeScript } from "./type-config.ts";
import {
  BOOLEAN,
  literal,
  NUMBER,
  objectOf,
  type Property,
  TEXT,
  unionOf,
  type ValueSet,
} from "./value-set.ts";

/** A function that answers for an endpoint. */
interface Answering {
  readonly endpoint: string;
  readonly method: ResolvedMethod;
}

/** Reports components and fallbacks whose parameter does not accept the parameters. */
export async function checkComponents(
  project: CheckedProject,
  paths: ProjectPaths,
  report: Report,
): Promise<void> {
  const answering = answeringOf(project);
  if (answering.length === 0) return;
  const signatures = await signaturesOf(answering, paths);
  for (const { endpoint, method } of answering) {
    const taken = signatures.get(methodKey(method))?.taken;
    if (taken === undefined) continue;
    const verdict = compareBare(paramsSet(project.params.get(endpoint) ?? new Map()), taken);
    if (verdict.answer !== "misfit") continue;
    const place = verdict.path.length === 0 ? "" : ` at ${pathText(verdict.path)}`;
    report(
      "PEACH607",
      method.span,
      `${method.place}\`${method.exportName}\` does not take the parameters of \`${endpoint}\`${place}\n${verdict.why}`,
      {
        hint: `type its parameter as RecommendationParams<"${endpoint}">, or change \`params\``,
        related: [
          {
            span: exportSpan(method),
            message: `\`${method.exportName}\` takes ${showSet(taken)}`,
          },
        ],
      },
    );
  }
}

/** Lists the components and fallbacks of the recommendation endpoints. */
function answeringOf({ methods }: CheckedProject): readonly Answering[] {
  return [...methods.components].flatMap(([endpoint, components]) => {
    const fallback = methods.fallbacks.get(endpoint);
    const all = [...components.values(), ...(fallback === undefined ? [] : [fallback])];
    return all.map((method) => ({ endpoint, method }));
  });
}

/** Reads the types of the functions, in one program. */
function signaturesOf(
  answering: readonly Answering[],
  paths: ProjectPaths,
): Promise<ReadonlyMap<string, Signature>> {
  const { projectRoot } = paths;
  requireTypeScript(projectRoot);
  const functions = answering.map(({ method: { file, exportName } }) => ({ file, exportName }));
  const files = [...new Set(functions.map(({ file }) => file))];
  return withTsconfig(paths, files, async (tsconfig) => {
    const ask = { projectRoot, functions, tsconfig };
    const asked = await askReader<"signatures">({ type: "signatures", ask });
    return asked.ok ? asked.answer : new Map();
  });
}

/** The objects that the worker passes to a component. */
function paramsSet(params: NonNullable<EndpointConf["params"]>): ValueSet {
  const properties = Array.from(params, ([name, given]): [string, Property] => {
    const plan = paramPlan(name, given);
    const mayBeAbsent = !plan.required && plan.default === null;
    return [name, { set: valueSet(plan), mayBeAbsent }];
  });
  return objectOf(Object.fromEntries(properties));
}

/** The values of a parameter. Rules that no type of TypeScript states are left out. */
function valueSet({ type, enum: allowed }: ParamPlan): ValueSet {
  if (allowed !== null) return unionOf(allowed.map(literal));
  if (type === "string") return TEXT;
  if (type === "boolean") return BOOLEAN;
  return { ...NUMBER, isInteger: type === "integer" };
}
