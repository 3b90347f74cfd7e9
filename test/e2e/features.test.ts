/** Each feature that has no file of its own here, on one local runtime and its real clock; what they show is in the folder `features`. */
import { beforeAll } from "vitest";
import { describeCalls } from "./features/calls.ts";
import { describeCommandLine } from "./features/command-line.ts";
import { openFeatures } from "./features/deployment.ts";
import { Elsewhere } from "./features/elsewhere.ts";
import { describeEndpoints, SECRETS } from "./features/endpoints.ts";
import { describeObjects } from "./features/objects.ts";
import { describeRuns } from "./features/runs.ts";
import type { Stage } from "./stage.ts";

let opened: Stage;
let other: Elsewhere;
beforeAll(async () => {
  other = await Elsewhere.start();
  opened = await openFeatures({
    ...SECRETS,
    AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
    AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    AWS_REGION: "eu-central-1",
    AWS_ENDPOINT_URL: other.url,
  });
  return async () => {
    await opened.close();
    await other.stop();
  };
});

describeRuns(() => opened);
describeEndpoints(
  () => opened,
  () => other,
);
describeObjects(
  () => opened,
  () => other,
);
describeCalls(() => opened);
describeCommandLine(() => opened);
