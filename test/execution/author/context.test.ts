import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callHook } from "../../support/deployed.ts";
import {
  currentTask,
  log,
  passDataToDownstream,
  passToChildTask,
  readFromParentTask,
  runOnlyChildTasks,
  triggerTaskWithEvent,
} from "../../../src/task-helpers.ts";
import { attempt } from "../../support/attempt.ts";

/** Every helper, called as an author calls it. */
const HELPERS = {
  triggerTaskWithEvent: async () => triggerTaskWithEvent("echo"),
  passToChildTask: async () => passToChildTask(1),
  readFromParentTask: async () => readFromParentTask(),
  runOnlyChildTasks: async () => runOnlyChildTasks(),
  currentTask: async () => currentTask(),
  "log.info": async () => log.info("x"),
  "log.warn": async () => log.warn("x"),
  "log.error": async () => log.error("x"),
};
/** Those that only a task can mean. */
const TASK_ONLY = ["passToChildTask", "readFromParentTask", "runOnlyChildTasks", "currentTask"] as const;

beforeEach(() => {
  for (const level of ["info", "warn", "error"] as const) vi.spyOn(console, level).mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a helper finds its task", () => {
  it("however deep and however asynchronous the code is", async () => {
    const seen: Record<string, string> = {};
    const see = (where: string): void => void (seen[where] = currentTask().name);
    const deep = async (depth: number): Promise<void> => (depth === 0 ? see("deep") : deep(depth - 1));
    await attempt(
      async () => {
        see("at once");
        await Promise.resolve();
        see("after an await");
        await deep(50);
        await new Promise<void>((resolve) => {
          queueMicrotask(() => {
            see("in a microtask");
            resolve();
          });
        });
        await new Promise<void>((resolve) => {
          process.nextTick(() => {
            see("in a tick");
            resolve();
          });
        });
        for await (const value of generated()) see(value);
        const source = new ReadableStream<string>({
          start: () => see("in a stream's start"),
          pull(controller) {
            see("in a stream's pull");
            controller.enqueue("chunk");
            controller.close();
          },
        });
        const through = new TransformStream<string, string>({
          transform(chunk, controller) {
            see("in a transform");
            controller.enqueue(chunk);
          },
        });
        await source.pipeThrough(through).pipeTo(new WritableStream({ write: () => see("in a sink") }));
        await Promise.reject(new Error("x")).catch(() => see("in a catch"));
        await env.PAYLOADS.head("nothing").then(() => see("after an answer of R2"));
        await crypto.subtle.digest("SHA-256", new Uint8Array(1));
        see("after a digest");
        [1].forEach(() => see("in a callback"));
      },
      { task: "deep_task" },
    );
    expect(new Set(Object.values(seen))).toEqual(new Set(["deep_task"]));
    expect(Object.keys(seen)).toHaveLength(15);
  });

  it("among many that run side by side: each sees its own", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `task_${index}`);
    const arrived = new Set<string>();
    const seen = await Promise.all(
      names.map(async (name) => {
        const { settlement } = await attempt(
          async () => {
            arrived.add(currentTask().name);
            // All of them are under way before one goes on.
            while (arrived.size < names.length) await Promise.resolve();
            passToChildTask(await Promise.all([1, 2].map(async () => currentTask().name)));
            log.info(`line of ${currentTask().name}`);
          },
          { task: name },
        );
        const { outcome, logs } = settlement;
        const bytes = outcome.type === "succeeded" && outcome.output.at === "inline" ? outcome.output.bytes : undefined;
        return [JSON.parse(new TextDecoder().decode(bytes)), logs.map(({ message }) => message)];
      }),
    );
    expect(seen).toEqual(names.map((name) => [[name, name], [`line of ${name}`]]));
  });
});

async function* generated(): AsyncGenerator<string> {
  yield "in a generator";
  await Promise.resolve();
  yield "in a generator after an await";
}

describe("a helper outside a task and an endpoint", () => {
  it.each(Object.entries(HELPERS))("a helper outside a task and an endpoint says so: %s", async (name, call) => {
    await expect(call()).rejects.toMatchObject({
      name: "OutsideTaskError",
      message: expect.stringMatching(new RegExp(`^${name} was called outside a task or endpoint\\. .*HTTP API\\.$`)),
    });
  });

  it("a helper outside a task and an endpoint says so also while a task runs elsewhere", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = attempt(() => promise);
    await expect(HELPERS.currentTask()).rejects.toThrow("outside a task or endpoint");
    resolve();
    await running;
    await expect(HELPERS.currentTask()).rejects.toThrow("outside a task or endpoint");
  });
});

describe("a helper in an endpoint", () => {
  async function inEndpoint(call: () => Promise<unknown>): Promise<unknown> {
    const answer = callHook(async () => call());
    return answer;
  }

  it.each(TASK_ONLY)("a helper in an endpoint that only a task can mean says so: %s", async (name) => {
    await expect(inEndpoint(HELPERS[name])).rejects.toMatchObject({
      name: "OutsideTaskError",
      message: expect.stringMatching(
        new RegExp(`^${name} was called in the endpoint "hook"\\. It belongs inside a task`),
      ),
    });
  });

  it("a helper in an endpoint works where an endpoint can mean it: logs and triggers", async () => {
    await expect(inEndpoint(HELPERS["log.info"])).resolves.toBeUndefined();
    await expect(inEndpoint(HELPERS.triggerTaskWithEvent)).resolves.toMatchObject({ deduplicated: false });
  });
});

describe("passDataToDownstream", () => {
  it("passDataToDownstream is passToChildTask", () => {
    expect(passDataToDownstream).toBe(passToChildTask);
  });
});
