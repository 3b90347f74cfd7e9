/** The worker of the pool, as src/index.ts deploys it, and its functions. */
import { env } from "./env.ts";
import { deployed } from "../../src/worker/deployed.ts";
import worker from "../../src/index.ts";

const deployment = deployed();

export { worker };
export const { acceptTrigger, emitEvent, plan } = deployment;
export const driveRun: typeof deployment.driveRun = (...given) => deployment.driveRun(...given);
export const executeLease: typeof deployment.executeLease = (...given) => deployment.executeLease(...given);

type EndpointCall = Parameters<typeof deployment.callEndpoint>[2];

/** A call of the endpoint `hook`, of which nobody awaits what it leaves to do. */
export const HOOK_CALL: EndpointCall = {
  name: "hook",
  params: {},
  requestId: "req_1",
  source: "endpoint",
  delivery: null,
  triggered: () => undefined,
  env,
  lifetime: { waitUntil: () => undefined },
};

/** Calls a method as the endpoint `hook`; `more` replaces parts of the call. */
export function callHook(
  method: Parameters<typeof deployment.callEndpoint>[0],
  more: Partial<EndpointCall> = {},
): ReturnType<typeof deployment.callEndpoint> {
  return deployment.callEndpoint(method, new Request("https://peach.example/hook"), { ...HOOK_CALL, ...more });
}
