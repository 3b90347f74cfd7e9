import { callHook, HOOK_CALL } from "../../support/deployed.ts";
import { describe, expect, it, vi } from "vitest";
import { scopeOf } from "../../../src/execution/author/context.ts";
import { OpenResources } from "../../../src/execution/author/open-resources.ts";
import { deployed } from "../../../src/worker/deployed.ts";

/** Opens something in the running endpoint, and notes when it is closed. */
function open(closed: string[], name = "it"): void {
  scopeOf("open").resources.add(name, () => void closed.push(name));
}

/** Calls an endpoint. `late` says that its answer is not waited for any more. */
function call(method: () => unknown): { readonly answer: unknown; readonly late: () => void } {
  let late = (): void => undefined;
  const whenLate = (work: () => void): void => void (late = work);
  const answer = callHook(method, { whenLate });
  return { answer, late: () => late() };
}

describe("what an endpoint has opened", () => {
  it.each([
    ["returns", () => "done"],
    [
      "throws",
      () => {
        throw new Error("thrown");
      },
    ],
  ])("what an endpoint has opened is closed when its method %s", async (_, ends) => {
    const closed: string[] = [];
    const { answer } = call(async () => {
      open(closed);
      expect(closed).toEqual([]);
      return ends();
    });
    await Promise.allSettled([answer]);
    expect(closed).toEqual(["it"]);
  });

  it("what an endpoint has opened stays open for its waitUntil, in which more is opened, and is closed after it", async () => {
    const closed: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const { answer } = call(() => {
      open(closed, "first");
      const scope = scopeOf("waitUntil");
      if (scope.kind === "endpoint")
        scope.waitUntil(
          (async () => {
            await promise;
            open(closed, "second");
          })(),
        );
      return "answered";
    });
    expect(await answer).toBe("answered");
    expect(closed).toEqual([]);
    resolve();
    await vi.waitFor(() => expect(closed).toEqual(["first", "second"]), { timeout: 20_000, interval: 5 });
  });

  it("what an endpoint has opened is closed when its answer is too late, and it opens nothing any more", async () => {
    const closed: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const { answer, late } = call(async () => {
      open(closed);
      await promise;
      open(closed, "too late");
    });
    late();
    expect(closed).toEqual(["it"]);
    resolve();
    await expect(answer).rejects.toThrow("too late was used after its attempt or request had ended");
    expect(closed).toEqual(["it"]);
  });

  it("what a component has opened is closed when its time is over", async () => {
    const closed: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    let late = (): void => undefined;
    const component = async (): Promise<unknown> => {
      open(closed);
      await promise;
      return null;
    };
    const more = {
      component: "c",
      signal: new AbortController().signal,
      url: "https://peach.example/hook",
      whenLate: (work: () => void): void => void (late = work),
    };
    const answer = deployed().callComponent(component, {}, { ...HOOK_CALL, ...more });
    late();
    expect(closed).toEqual(["it"]);
    resolve();
    await answer;
  });
});

describe("open resources", () => {
  it("open resources are closed once, and one that has ended by itself is not", () => {
    const closed: string[] = [];
    const resources = new OpenResources();
    resources.add("a", () => void closed.push("a"));
    resources.add("b", () => void closed.push("b"))();
    resources.close();
    resources.close();
    expect(closed).toEqual(["a"]);
  });
});
