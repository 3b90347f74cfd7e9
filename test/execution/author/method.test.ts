import { describe, expect, it } from "vitest";
import { findMethod, methodOf, type MethodRegistry } from "../../../src/execution/author/method.ts";
import { task } from "../../../src/task-helpers.ts";

const typed = task({ run: (payload: unknown) => payload });
const FILES: Record<string, object> = {
  images: {
    resize: (payload: unknown) => payload,
    both: () => "of images",
    SIZES: [1, 2],
    none: null,
    schema: { kind: "other" },
    open: {},
  },
  texts: { typed, both: () => "of texts" },
};
const REGISTRY: MethodRegistry = {
  tasks: { named: () => "named" },
  endpoints: {},
  others: {
    modules: { images: async () => FILES["images"] ?? {}, texts: async () => FILES["texts"] ?? {} },
    moduleOf: { resize: "images", SIZES: "images", none: "images", schema: "images", open: "images", typed: "texts" },
  },
};

function usesArguments(): unknown {
  return arguments[0];
}
const bound: (payload: never) => unknown = usesArguments.bind(null);

describe("the method of a task", () => {
  it.each(["named", "resize", "typed", "texts#both"])("the method of a task is found: %s", async (key) => {
    expect(await findMethod(REGISTRY, key)).not.toBeNull();
  });

  it("the method of a task that several files export is that of the file that it was named in", async () => {
    const found = await findMethod(REGISTRY, "both", "texts");
    expect(found?.run(null, Object.create(null))).toBe("of texts");
    expect(await findMethod(REGISTRY, "both")).toBeNull();
  });

  it.each(["SIZES", "none", "schema", "open", "nowhere", "others#resize", "images#resized", "constructor"])(
    "the method of a task is not what a file exports besides, or does not export: %s",
    async (key) => {
      expect(await findMethod(REGISTRY, key)).toBeNull();
    },
  );

  it("the method of a task is a property of its own of the named ones", () => {
    expect(methodOf(REGISTRY, "named")).not.toBeNull();
    expect(methodOf(REGISTRY, "toString")).toBeNull();
  });

  it.each<[string, (...given: never[]) => unknown, boolean]>([
    ["() => …", () => 1, false],
    ["async () => …", async () => 1, false],
    ["function () {…}", function named() {}, false],
    ["(payload) => …", (payload) => payload, true],
    ["(payload = null) => …", (payload: unknown = null) => payload, true],
    ["(...given) => …", (...given) => given, true],
    ["function () { arguments }", usesArguments, true],
    ["a function that was bound", bound, true],
  ])("the payload of %s is fetched if it can be read", (_, method, takesPayload) => {
    expect(methodOf({ tasks: { method }, endpoints: {} }, "method")?.takesPayload).toBe(takesPayload);
  });
});
