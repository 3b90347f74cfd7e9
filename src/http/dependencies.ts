/** Dependencies of the routes. Tests pass scripted versions. */
import type { Plan } from "../domain/plan/plan.ts";
import type { MethodRegistry } from "../execution/author/method.ts";
import type { takeTurn } from "../objects/deliveries/caller-client.ts";
import type { callDeliveries } from "../objects/deliveries/deliveries-client.ts";
import type { callSignedDeliveries } from "../objects/deliveries/signed-client.ts";
import type { callRun } from "../objects/run/run-client.ts";
import type { AcceptTrigger } from "../triggers/accept.ts";
import type { EmitEvent } from "../triggers/emit.ts";
import type { DashboardFiles } from "./dashboard.ts";
import type { AnswerOnce } from "./endpoints/answer-once.ts";
import type { LimitCaller } from "./endpoints/caller-limit.ts";
import type { DeliveryLog } from "./endpoints/delivery-log.ts";
import type { AnswerRequest, CallEndpoint } from "./endpoints/endpoint-call.ts";
import type { LocalParts } from "./local/local-parts.ts";
import type { CountServing } from "./recommendations/answer.ts";
import type { CallComponent } from "./recommendations/component-call.ts";

/** Dependencies of the app. */
export interface AppDependencies {
  readonly plan: Plan;
  readonly registry: MethodRegistry;
  readonly acceptTrigger: AcceptTrigger;
  readonly emitEvent: EmitEvent;
  readonly callRun: typeof callRun;
  readonly callDeliveries: typeof callDeliveries;
  readonly callSignedDeliveries: typeof callSignedDeliveries;
  readonly takeTurn: typeof takeTurn;
  readonly callEndpoint: CallEndpoint;
  readonly callComponent: CallComponent;
  readonly countServing: CountServing;
  readonly dashboard: DashboardFiles;
  /** Routes and guards of the local runtime; null in a deployed bundle. */
  readonly local: LocalParts | null;
}

/** Dependencies of the app, and what the app makes of them. */
interface Dependencies extends AppDependencies {
  readonly answerRequest: AnswerRequest;
  readonly answerOnce: AnswerOnce;
  readonly limitCaller: LimitCaller;
  readonly deliveryLog: DeliveryLog;
}

/** The dependencies with these names. */
export type Needs<Name extends keyof Dependencies> = Pick<Dependencies, Name>;
