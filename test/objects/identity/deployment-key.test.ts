import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { describe, expect, it } from "vitest";
import { apiKey, triggerKeyInput } from "../../../src/domain/trigger-key.ts";
import { runIdFor } from "../../../src/triggers/run-id.ts";

const KEY = apiKey("shop", "order-4711");

async function keptKey(): Promise<string> {
  return driven(env.IDENTITY.getByName("identity")).inside(
    ({ storage }) => storage.sql.exec<{ key: string }>("SELECT key FROM deployment_key").one().key,
  );
}

describe("the deployment's key", () => {
  it("the deployment's key is made once, by whoever asks first, and outlives the object", async () => {
    const identity = env.IDENTITY.getByName("identity");
    const asked = await Promise.all(Array.from({ length: 8 }, () => identity.deploymentKey()));
    await driven(identity).evict();
    const again = await identity.deploymentKey();
    expect(new Set([...asked, again].map(({ key }) => key)).size).toBe(1);
    expect(again.key).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("the id of a run whose trigger has a key", () => {
  it("the id of a run whose trigger has a key is an HMAC under a key that is derived for run ids: nobody computes it from the task and the key", async () => {
    const id = await runIdFor(env, "echo", KEY);
    const input = new TextEncoder().encode(triggerKeyInput("echo", KEY));
    const guessed = new Uint8Array(await crypto.subtle.digest("SHA-256", input));
    expect(id).not.toBe(`run_${crockford(guessed)}`);
    // By hand, as docs/design/identity.md says.
    const kept = Uint8Array.fromHex(await keptKey());
    const prk = await hmac(new TextEncoder().encode("peach deployment key v1"), kept);
    const derived = await hmac(prk, new TextEncoder().encode("run ids\u0001"));
    expect(id).toBe(`run_${crockford(await hmac(derived, input))}`);
  });

  it("the id of a run whose trigger has a key differs from caller to caller: two tokens never share a key", async () => {
    const ids = ["shop", "shop2", 'shop","', ""].map((caller) => runIdFor(env, "echo", apiKey(caller, "order-4711")));
    expect(new Set(await Promise.all(ids)).size).toBe(4);
  });
});

async function hmac(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey(
    "raw",
    Uint8Array.from(key),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, Uint8Array.from(data)));
}

/** The first 128 bits in Crockford's base 32: 26 letters, the last one padded with zeros. */
function crockford(bytes: Uint8Array): string {
  const bits = [...bytes.subarray(0, 16)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.padEnd(130, "0").match(/.{5}/g) ?? [];
  return groups.map((group) => "0123456789abcdefghjkmnpqrstvwxyz".charAt(Number.parseInt(group, 2))).join("");
}
