import { expect, it } from "vitest";
import { DEFAULT_HMAC_HEADER, isTimed, SIGNATURE_SCHEMES } from "../../../src/domain/plan/endpoint-auth.ts";

it("the schemes that sign the time are those whose definition says so", () => {
  expect(SIGNATURE_SCHEMES.filter(isTimed)).toEqual(["standard-webhooks", "stripe", "slack", "sns"]);
});

it("hmac-sha256 looks into x-signature unless told otherwise", () => {
  expect(DEFAULT_HMAC_HEADER).toBe("x-signature");
});
