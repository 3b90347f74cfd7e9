import { env } from "../../support/env.ts";
import { describe, expect, it } from "vitest";
import { countOperations } from "../../support/operations.ts";

describe("a version", () => {
  it("a version costs one row written, and none when it is met again", async () => {
    const object = env.OBJECT_VERSIONS.getByName("uploads/cost");
    const notified = (key: string) => ({
      object: key.padEnd(64),
      eventTime: "2026-05-24T19:36:44.379Z",
      current: null,
    });
    // The first one also brings the tables and the alarm.
    await object.notified(notified("first"), 1_000);
    const counted = await countOperations();
    await object.notified(notified("second"), 1_000);
    expect(counted.rowsWritten).toBe(1);
    await object.notified(notified("second"), 1_000);
    await object.find([{ object: "second".padEnd(64), version: "v", uploadedAt: 0 }]);
    expect(counted.rowsWritten).toBe(1);
  });
});
