/** In a file of its own: nothing here has asked for the deployment's key before. */
import { env } from "../../support/env.ts";
import { expect, it, vi } from "vitest";
import { apiKey } from "../../../src/domain/trigger-key.ts";
import type { Lifetime } from "../../../src/platform/lifetime.ts";
import { runIdFor } from "../../../src/triggers/run-id.ts";
import { accepting, triggerOf } from "../../support/accepting.ts";

const KEY = apiKey("shop", "order-4711");
const LIFETIME: Lifetime = { waitUntil: () => undefined };

it("a trigger with a key is refused while the identity object cannot be reached, and accepted later", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const { accept } = accepting();
  const trigger = triggerOf(1, { idempotencyKey: KEY });
  const deploymentKey = vi.fn(() => Promise.reject(new Error("Network connection lost.")));
  const broken: Env = Object.create(env, { IDENTITY: { value: { getByName: () => ({ deploymentKey }) } } });
  expect(await accept(broken, LIFETIME, trigger)).toMatchObject({ ok: false, problem: { code: "overloaded" } });
  expect(deploymentKey).toHaveBeenCalledTimes(3);
  // Without a key the id is random: nothing has to be derived.
  expect(await accept(broken, LIFETIME, triggerOf(1))).toMatchObject({ ok: true });

  const found = vi.spyOn(env.IDENTITY, "getByName");
  expect(await accept(env, LIFETIME, trigger)).toMatchObject({ ok: true, value: { deduplicated: false } });
  // The key never changes: an isolate that has it asks nobody, and goes on while the object is away.
  const runId = await runIdFor(env, "echo", KEY);
  expect(await accept(broken, LIFETIME, trigger)).toMatchObject({ ok: true, value: { runId, deduplicated: true } });
  expect(found).toHaveBeenCalledTimes(1);
  expect(deploymentKey).toHaveBeenCalledTimes(3);
});
