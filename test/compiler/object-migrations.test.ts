import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { expect, it } from "vitest";
import { z } from "zod";

const { durable_objects, migrations } = z
  .object({
    durable_objects: z.object({ bindings: z.array(z.object({ class_name: z.string() })) }),
    migrations: z.array(z.strictObject({ tag: z.string(), new_sqlite_classes: z.array(z.string()) })),
  })
  .parse(parse(readFileSync(new URL("../../wrangler.toml", import.meta.url), "utf8")));

it("makes the class of each binding of an object once", () => {
  const made = migrations.flatMap((migration) => migration.new_sqlite_classes);
  expect(made.toSorted()).toEqual(durable_objects.bindings.map((binding) => binding.class_name).toSorted());
});

// Where a migration has been deployed, Cloudflare never looks at it again: a class that is added to it is made nowhere, and the deploy fails.
it("adds nothing to the migration that accounts have deployed", () => {
  expect(migrations[0]).toEqual({
    tag: "v1",
    new_sqlite_classes: [
      "RunObject",
      "ExecutorObject",
      "SchedulesObject",
      "DeliveriesObject",
      "DebounceObject",
      "LimitObject",
      "LimitListObject",
      "PausesObject",
      "ObjectVersionsObject",
      "DeadLettersObject",
      "CatalogObject",
      "TaskDirectoryObject",
    ],
  });
});
