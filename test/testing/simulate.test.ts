import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { simulate, SimulationError, type SimulateOptions } from "peach/testing";
import { step, triggerTaskWithEvent } from "peach/task-helpers";

/** The failure of a simulation. Throws if it holds. */
async function failureOf(options: SimulateOptions): Promise<SimulationError> {
  const failure = await simulate(options).catch((error: unknown) => error);
  if (failure instanceof SimulationError) return failure;
  throw new Error(`no seed failed: ${JSON.stringify(failure)}`);
}

/** Fails, and its seed alone fails in the same way. */
async function isFound(options: SimulateOptions, message: RegExp): Promise<SimulationError> {
  const failure = await failureOf(options);
  expect(failure.message).toMatch(message);
  expect(failure.message).toContain(`simulate({ seed: ${failure.seed}, … })`);
  const again = await failureOf({ ...options, seed: failure.seed });
  expect(again.story).toEqual(failure.story);
  return failure;
}

const oneTask = (method: string): string => `tasks:\n  ${method}: {method: ${method}}\n`;

describe("an effect that is not idempotent", () => {
  const charging = (method: (order: string, bank: Bank) => unknown): SimulateOptions => ({
    seeds: 60,
    conf: oneTask("charge"),
    pipelines: { charge: (order: string, { env }: { env: { BANK: Bank } }) => method(order, env.BANK) },
    state: () => ({ bank: new Bank() }),
    env: ({ bank }) => ({ BANK: bank }),
    scenario: (peach) => peach.trigger("charge", "order 1"),
    check: ({ state }) => {
      if (state["bank"] instanceof Bank) expect(state["bank"].charges).toEqual(["order 1"]);
    },
  });

  class Bank {
    readonly charges: string[] = [];
    readonly #keys = new Set<string>();

    async charge(order: string, key?: string): Promise<void> {
      if (key !== undefined && this.#keys.has(key)) return;
      if (key !== undefined) this.#keys.add(key);
      this.charges.push(order);
    }
  }

  it("an effect that is not idempotent is found by a seed in which a worker dies after the effect", async () => {
    const { story } = await isFound(
      charging((order, bank) => bank.charge(order)),
      /expected \[ 'order 1', 'order 1' \]/,
    );
    expect(story.join("\n")).toMatch(/!! (crash|isolate_crash|reset)/);
  });

  it("an effect is not reported where the other side knows the order by its key", async () => {
    const held = await simulate(charging((order, bank) => bank.charge(order, order)));
    expect(held.seeds).toBe(60);
    expect(held.faults).toBeGreaterThan(30);
  });
});

describe("a join that assumes an order", () => {
  const CONF = `
tasks:
  order: {method: order, downstream: [price, stock]}
  price: {method: price, downstream: offer}
  stock: {method: stock, downstream: offer}
  offer: {method: offer}
`;
  type Context = { readonly env: { readonly PARTS: { put(key: string, value: string): Promise<void> } & Parts } };
  interface Parts {
    get(key: string): Promise<string | null>;
  }
  /** Appends to what the other one has written. */
  const append =
    (part: string) =>
    async (_: unknown, { env }: Context): Promise<string> => {
      const before = await env.PARTS.get("parts");
      await env.PARTS.put("parts", before === null ? part : `${before},${part}`);
      return part;
    };
  const offering = (offer: (read: Record<string, string>, task: Context) => unknown): SimulateOptions => ({
    seeds: 60,
    conf: CONF,
    pipelines: { order: () => "order", price: append("price"), stock: append("stock"), offer },
    state: () => ({ parts: partsOf() }),
    env: ({ parts }) => ({ PARTS: parts }),
    scenario: (peach) => peach.trigger("order"),
    check: ({ runs: [run] }) => expect(run?.task("offer").passed).toEqual({ price: "price", stock: "stock" }),
  });
  const partsOf = () => {
    const values = new Map<string, string>();
    return {
      get: async (key: string) => values.get(key) ?? null,
      put: async (key: string, value: string) => void values.set(key, value),
    };
  };

  it("a join that assumes an order is found by a seed in which its upstream tasks end in another order", async () => {
    await isFound(
      offering(async (_, { env }) => {
        const [price, stock] = (await env.PARTS.get("parts"))?.split(",") ?? [];
        return { price, stock };
      }),
      /expected \{ price: 'stock', stock: 'price' \}|expected \{ price: /,
    );
  });

  it("a join is not reported where it reads its parents by name", async () => {
    expect(await simulate(offering((read) => read))).toMatchObject({ seeds: 60 });
  });
});

describe("a key that changes from attempt to attempt", () => {
  const billing = (keyOf: (order: string) => string): SimulateOptions => ({
    seeds: 60,
    conf: `tasks:\n  sell: {method: sell}\n  bill: {method: bill}\n`,
    pipelines: {
      sell: async (order: string) => {
        const idempotencyKey = keyOf(order);
        await triggerTaskWithEvent("bill", order, { idempotencyKey });
      },
      bill: (order: string) => order,
    },
    scenario: (peach) => peach.trigger("sell", "order 1"),
    check: ({ runs }) => {
      expect(runs.filter(({ document }) => document.task === "bill").map(({ payload }) => payload)).toEqual([
        "order 1",
      ]);
    },
  });

  it("a key that changes by attempt is found by a seed in which the first attempt dies after it has triggered", async () => {
    await isFound(
      billing(() => crypto.randomUUID()),
      /expected \[ 'order 1', 'order 1' \]/,
    );
  });

  it("a key is not reported where it is that of the order", async () => {
    expect(await simulate(billing((order) => order))).toMatchObject({ seeds: 60 });
  });

  it("a key is not reported where it is kept in a step", async () => {
    const kept = billing(() => "");
    const sell = async (order: string): Promise<void> => {
      const idempotencyKey = await step("key", () => crypto.randomUUID());
      await triggerTaskWithEvent("bill", order, { idempotencyKey });
    };
    const pipelines = { sell, bill: (order: string) => order };
    expect(await simulate({ ...kept, pipelines })).toMatchObject({ seeds: 60 });
  });
});

describe("simulate", () => {
  const ECHO = { conf: oneTask("echo"), pipelines: { echo: (payload: unknown) => payload } };

  it("simulate lives one life for each seed, one after the other, each with a state of its own", async () => {
    const [lives, states]: [number[], Set<unknown>] = [[], new Set()];
    await simulate({
      ...ECHO,
      seeds: 5,
      scenario: async (peach) => {
        states.add(peach.state);
        lives.push(lives.length);
        await peach.trigger("echo", lives.length);
      },
    });
    expect(lives).toEqual([0, 1, 2, 3, 4]);
    expect(states.size).toBe(5);
  });

  it("simulate lets only the requested faults strike", async () => {
    const { faults } = await simulate({ ...ECHO, seeds: 20, faults: [], scenario: (peach) => peach.trigger("echo") });
    expect(faults).toBe(0);
  });

  it("simulate fails with what the scenario throws, and tells of the tasks that ran", async () => {
    const failure = await failureOf({
      ...ECHO,
      seeds: 3,
      scenario: async (peach) => {
        await peach.trigger("echo");
        throw new Error("the scenario itself");
      },
    });
    expect(failure.seed).toBe(1);
    expect(failure.message).toMatch(
      /^seed 1: the scenario itself\n\n.*>> the task "echo" \(run <run 1>, attempt 1\) begins/s,
    );
    expect(failure.cause).toBeInstanceOf(Error);
    expect(failure.story.join("\n")).toContain("RunObject");
    expect(inspect(failure)).not.toContain("RunObject");
  });

  it("simulate refuses to live through zero seeds", async () => {
    await expect(simulate({ ...ECHO, seeds: 0, scenario: () => {} })).rejects.toThrow(RangeError);
  });
});
