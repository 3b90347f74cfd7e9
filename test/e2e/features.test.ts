/** Each feature that has no file of its own here, on one local runtime and its real clock; what they show is in the folder `features`. */
import { beforeAll } from "vitest";
import { describeCalls } from "./features/calls.ts";
import { describeCommandLine } from "./features/command-line.ts";
import { openFeatures } from "./features/deployment.ts";
import { describeEndpoints, SECRETS } from "./features/endpoints.ts";
import { describeObjects } from "./features/objects.ts";
import { describeRuns } from "./features/runs.ts";
import type { Stage } from "./stage.ts";

let opened: Stage;
beforeAll(async () => {
  opened = await openFeatures(SECRETS);
  return () => opened.close();
});

describeRuns(() => opened);
describeEndpoints(() => opened);
describeObjects(() => opened);
describeCalls(() => opened);
describeCommandLine(() => opened);
