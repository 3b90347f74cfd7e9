/**
 * Makes `recommendations.d.ts`: the types of the parameters of recommendation endpoints. The types
 * are written out, not referred to: peach.conf declares the parameters, and a component follows.
 * A parameter without a default that is not required may be absent, so the property is optional.
 *
 * The file is separate from `tasks.d.ts`, whose text depends on the pipelines.
 */
import type { Plan } from "../domain/plan/plan.ts";
import type { ParamPlan } from "../domain/plan/recommendation-plan.ts";

/**
 * Makes the text of the file. Components are typed by it:
 * `({ user }: RecommendationParams<"recommendations">, endpoint) => …`
 */
export function emitRecommendationTypes({ endpoints }: Plan): string {
  const entries = endpoints.flatMap(({ name, recommendation }) =>
    recommendation === undefined
      ? []
      : [`    ${JSON.stringify(name)}: {${recommendation.params.map(paramType).join("")} };\n`],
  );
  return `// Made by \`npm run compile\` from peach.conf. Do not edit.
import "peach/task-helpers";

declare module "peach/task-helpers" {
  interface PeachRecommendations {
${entries.join("")}  }
}
`;
}

/** Writes a parameter; one that may be absent is optional. */
function paramType(param: ParamPlan): string {
  const isThere = param.required || param.default !== null;
  return ` readonly ${JSON.stringify(param.name)}${isThere ? "" : "?"}: ${valueType(param)};`;
}

/** Writes the type of a value; an `enum` becomes a union. */
function valueType({ type, enum: allowed }: ParamPlan): string {
  if (allowed !== null) return allowed.map((value) => JSON.stringify(value)).join(" | ");
  return type === "integer" ? "number" : type;
}
