import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { expect, it } from "vitest";
import { z } from "zod";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const { migrations } = z
  .object({
    migrations: z.array(z.strictObject({ tag: z.string(), new_sqlite_classes: z.array(z.string()) })),
  })
  .parse(parse(read("wrangler.toml")));

it("each object class that the worker exports is made by one migration", () => {
  const exported = [...read("src/worker/deployed-objects.ts").matchAll(/^export class (\w+)/gm)].map(
    ([, name = ""]) => name,
  );
  const made = migrations.flatMap((migration) => migration.new_sqlite_classes);
  expect(made.toSorted()).toEqual(exported.toSorted());
});

// Where a migration has been deployed, Cloudflare never looks at it again: a class that is added to it is made nowhere, and the deploy fails.
it("the migration that accounts have deployed gets no further class", () => {
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
