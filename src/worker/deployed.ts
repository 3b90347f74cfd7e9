/**
 * The project of this worker. The platform creates objects and entrypoints and passes only state
 * and `env`: objects and entrypoints find the project here. `createPeach` sets the project, once.
 */
import { Deployment, type Project } from "./deployment.ts";

let deployment: Deployment | null = null;

/** Makes this project the deployed one. Throws for a second project: none replaces another. */
export function deploy(project: Project): Deployment {
  if (deployment !== null)
    throw new Error(
      "createPeach was called before: src/index.ts calls it once, and no pipeline calls it",
    );
  deployment = new Deployment(project);
  return deployment;
}

/** Returns the deployed project. Throws if the worker's entry does not call `createPeach`. */
export function deployed(): Deployment {
  if (deployment === null)
    throw new Error(
      "no project is deployed: src/index.ts exports createPeach({ plan, methods }) as its default",
    );
  return deployment;
}
