import { describe, expect, it } from "vitest";
import { withoutValues } from "../../../src/domain/run/failure.ts";

describe("the text of a failure without its values", () => {
  it.each([
    ["ENOSPC: no space left, write /tmp/encode-1234.mp4", "ENOSPC: no space left, write /tmp/encode-#.mp4"],
    ["connect ECONNRESET 10.0.0.1:443", "connect ECONNRESET #"],
    ["run_zbx5ej6f8vjgnyfsq8tt1fa has failed at 2026-11-30T11:15:31.250Z", "# has failed at #"],
    ["film 550e8400-e29b-41d4-a716-446655440000 is missing", "film # is missing"],
    ["no model for 9f8e7d6c5b4a", "no model for #"],
    ["answered 503 after 30 s", "answered # after # s"],
    ["could not map the status ARCHIVD of base64 in utf8", "could not map the status ARCHIVD of base64 in utf8"],
    ["ep0412.mov is no film", "ep#.mov is no film"],
  ])("the text of a failure without its values: %s", (message, text) => {
    expect(withoutValues(message)).toBe(text);
    expect(withoutValues(text)).toBe(text);
  });
});
