import { describe, expect, it } from "vitest";
import { parseRunMessage } from "../../src/triggers/run-message.ts";

const RUN = `run_${"0".repeat(26)}`;

describe("a message of peach-runs", () => {
  it("a message of peach-runs names its run; members of a newer version do not matter", () => {
    expect(parseRunMessage({ run_id: RUN, more: 1 })).toEqual({ runId: RUN });
  });

  it.each([null, "x", [], {}, { run_id: 7 }, { run_id: "run_1" }, { runId: RUN }])(
    "a message of peach-runs is not understood if it is %j, and the reason says so",
    (body) => {
      expect(parseRunMessage(body)).toEqual({ reason: expect.stringContaining("run_id") });
    },
  );
});
