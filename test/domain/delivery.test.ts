import { describe, expect, it } from "vitest";
import { isWorthKeeping, redact, redactUrl } from "../../src/domain/delivery.ts";
import { runIdFromBytes } from "../../src/domain/ids.ts";

describe("what may be a secret", () => {
  it.each([
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "webhook-signature",
    "x-hub-signature",
    "x-hub-signature-256",
    "stripe-signature",
    "x-slack-signature",
    "x-shopify-hmac-sha256",
    "x-gitlab-token",
    "x-telegram-bot-api-secret-token",
    "x-api-key",
    "apikey",
    "x-amz-credential",
    "cf-access-jwt-assertion",
    "x-password",
    "sig",
  ])("the header %s is redacted as what may be a secret", (name) => {
    expect(redact([[name, "1234"]])).toEqual({ [name]: "[redacted]" });
  });

  it.each(["content-type", "user-agent", "idempotency-key", "webhook-id", "x-github-delivery", "x-design", "host"])(
    "the header %s is not redacted",
    (name) => {
      expect(redact([[name, "1234"]])).toEqual({ [name]: "1234" });
    },
  );

  it("a header that the caller names is redacted too", () => {
    expect(redact(Object.entries({ "x-mine": "1234", "x-other": "5" }), ["x-mine"])).toEqual({
      "x-mine": "[redacted]",
      "x-other": "5",
    });
  });

  it("the secret parts of a url are redacted: user, password, parameters and parts of the path", () => {
    const url = "https://me:pw@example.org/hooks/abc/7?kind=a%20b&token=1&token=2&api_key=3&sig=4&code=5&monkey=6";
    const redacted = redactUrl(url, "/hooks/:secret/:id");
    expect(redacted).not.toMatch(/me|pw|abc|=[12345]/);
    expect(new URL(redacted).searchParams.get("kind")).toBe("a b");
    expect(new URL(redacted).searchParams.get("monkey")).toBe("6");
    expect(decodeURIComponent(new URL(redacted).pathname)).toBe("/hooks/[redacted]/7");
  });

  it("a url without secrets is left as it is", () => {
    const url = "https://example.org/hooks/a%20b?q=%C3%BC+x&empty";
    expect(redactUrl(url, "/hooks/:name")).toBe(url);
  });
});

describe("a request to an endpoint", () => {
  const run = { runId: runIdFromBytes(new Uint8Array(16)), task: "t", deduplicated: false };

  it.each([
    ["POST", 202, null, [], true],
    ["PUT", 200, null, [], true],
    ["DELETE", 204, null, [], true],
    ["GET", 200, null, [], false],
    ["HEAD", 200, null, [], false],
    ["OPTIONS", 204, null, [], false],
    ["GET", 404, null, [], false],
    ["GET", 202, null, [run], true],
    ["GET", 401, "signature_missing", [], true],
    ["GET", 500, "endpoint_failed", [], true],
    ["GET", 503, null, [], true],
    ["GET", 500, null, [], true],
    ["GET", 499, null, [], false],
  ] as const)(
    "a request to an endpoint by %s that is answered with %i (%s) and triggers %j is kept: %s",
    (method, status, reason, runs, kept) => {
      expect(isWorthKeeping({ method, status, reason, runs })).toBe(kept);
    },
  );
});
