/** The worker of the pool, as src/index.ts deploys it, and its functions. */
import { deployed } from "../../src/worker/deployed.ts";
import worker from "../../src/index.ts";

const deployment = deployed();

export { worker };
export const { acceptTrigger, emitEvent, plan } = deployment;
export const callEndpoint: typeof deployment.callEndpoint = (...given) => deployment.callEndpoint(...given);
export const driveRun: typeof deployment.driveRun = (...given) => deployment.driveRun(...given);
export const executeLease: typeof deployment.executeLease = (...given) => deployment.executeLease(...given);
