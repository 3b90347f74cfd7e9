/** Schemas of no library, as valibot and arktype make them: by the interface of Standard Schema alone. */
import type { StandardSchema } from "peach/task-helpers";

/** A schema of numbers above zero, which answers at once and names its paths by segments, as valibot does. */
export const positive: StandardSchema<{ n: number }> = {
  "~standard": {
    version: 1,
    vendor: "own",
    validate: (value) => {
      const n: unknown = Reflect.get(Object(value), "n");
      return typeof n === "number" && n > 0
        ? { value: { n } }
        : { issues: [{ message: "expected a number above 0", path: [{ key: "n" }] }] };
    },
    jsonSchema: {
      input: ({ target }) => ({ $schema: target, type: "object" }),
      output: () => {
        throw new Error("cannot be converted");
      },
    },
  },
};

/** A path that is a class, as arktype has it: an array of its length is made of one number. */
class Path extends Array<PropertyKey> {}

/** A schema that is a function, as arktype makes them, answers later, and reads a text as its length. */
export const lengths: StandardSchema<string, number> = Object.assign(() => {}, {
  "~standard": {
    version: 1,
    vendor: "own",
    validate: async (value: unknown) => {
      await Promise.resolve();
      if (typeof value === "string") return { value: value.length };
      // A library names every wrong place.
      return {
        issues: Array.from({ length: 1_000 }, (_, at) => ({ message: "expected a text", path: new Path("list", at) })),
      };
    },
  },
} as const);
