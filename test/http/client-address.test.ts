import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { addressOf, networkOf } from "../../src/http/client-address.ts";
import type { HttpEnv } from "../../src/http/http-env.ts";

describe("what counts as one client", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["unknown", "unknown"],
    // None of these is an address.
    ["1:2:3", "1:2:3"],
    ["1::2::3", "1::2::3"],
    ["12345::1", "12345::1"],
    ["1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7:8::"],
    ["1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:9"],
    [":2:3:4:5:6:7:8", ":2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:"],
    [":", ":"],
    ["x".repeat(300), "x".repeat(64)],
  ])("what counts as one client of %s is %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe("the address of a client", () => {
  const app = new Hono<HttpEnv>().get("/", (c) => c.text(addressOf(c)));
  const told = async (headers: Record<string, string>): Promise<string> => (await app.request("/", { headers })).text();

  it("the address of a client is what Cloudflare says, whatever the client says beside it", async () => {
    const made = { "X-Real-IP": "10.0.0.1", "X-Forwarded-For": "10.0.0.2" };
    expect(await told({ "CF-Connecting-IP": "192.0.2.7", ...made })).toBe("192.0.2.7");
  });

  it("the address of a client is what another worker says, where the request has not come through Cloudflare's edge", async () => {
    expect(await told({ "X-Real-IP": "10.0.0.1", "X-Forwarded-For": "10.0.0.2" })).toBe("10.0.0.1");
    expect(await told({ "X-Forwarded-For": "10.0.0.2, 10.0.0.3" })).toBe("10.0.0.2");
    expect(await told({})).toBe("unknown");
  });
});
