/** The steps of every upgrade: the version, and migrations for object classes that are new. */
import { isMapping } from "../../compiler/schema-parts.ts";
import { classesIn, migrationOf } from "../../compiler/wrangler-migrations.ts";
import { parse } from "smol-toml";
import { jsonText, parsed } from "../json-text.ts";
import { wranglerOf } from "./from-0.2.0.ts";
import { changed, NOTHING, refused, type Step } from "./step.ts";
import { insertAfter, means } from "./toml-text.ts";

/** package.json names the installed release. */
export const version: Step = {
  title: "package.json names this release",
  run(files, { specifier }) {
    const text = files.get("package.json");
    if (text === null || text === undefined) return refused("package.json is not there");
    const manifest = parsed(text);
    const key = ["dependencies", "devDependencies"].find((one) => {
      const entries = manifest[one];
      return isMapping(entries) && Object.hasOwn(entries, "peach");
    });
    if (key === undefined) return refused("package.json does not depend on peach");
    const entries = manifest[key];
    if (!isMapping(entries) || entries["peach"] === specifier) return NOTHING;
    return changed(
      "package.json",
      jsonText({ ...manifest, [key]: { ...entries, peach: specifier } }, text),
    );
  },
};

/** peach.conf names its schema. A folder of that name is left as it is. */
export const schemaLine: Step = {
  title: "peach.conf names its schema, for editors",
  run(files, { template }) {
    const text = files.get("peach.conf");
    if (text === null || text === undefined || /^\s*#\s*yaml-language-server\s*:/m.test(text))
      return NOTHING;
    const [line = ""] = (template.get("peach.conf") ?? "").split("\n");
    const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
    const end = text.includes("\r\n") ? "\r\n" : "\n";
    return changed("peach.conf", `${mark}${line}${end}${text.slice(mark.length)}`);
  },
};

/** wrangler.toml has a migration for each object class of this release. */
export const migrations: Step = {
  title: "wrangler.toml has a migration for each object class",
  run(files, { template }) {
    const text = files.get("wrangler.toml");
    const config = wranglerOf(files);
    if (text === null || text === undefined || config === null)
      return refused("wrangler.toml is not there, or is no TOML");
    const classes = classesIn(parse(template.get("wrangler.toml") ?? "")["migrations"]);
    const known = classesIn(config["migrations"]);
    const gone = classes.made.filter((name) => known.ended.has(name));
    if (gone.length > 0)
      return refused(
        `wrangler.toml has a migration that deletes or renames ${gone.join(", ")}, which Peach needs`,
      );
    const missing = classes.made.filter((name) => !known.made.includes(name));
    if (missing.length === 0) return NOTHING;
    const environments = config["env"];
    const apart = Object.entries(isMapping(environments) ? environments : {}).filter(
      ([, environment]) => isMapping(environment) && environment["migrations"] !== undefined,
    );
    if (apart.length > 0)
      return refused(
        `the environments ${apart.map(([name]) => name).join(", ")} of wrangler.toml have migrations of their own: add new_sqlite_classes = ${JSON.stringify(missing)} to each by hand`,
      );
    const table = migrationOf(known.tags, missing);
    const edited = insertAfter(text, "migrations", table);
    const present: unknown = config["migrations"] ?? [];
    const added = parse(table)["migrations"];
    const all = Array.isArray(present) && Array.isArray(added) ? [...present, ...added] : null;
    // A list that is written as one value, or a text that looks like a table.
    if (!means(edited, { ...config, migrations: all }))
      return refused(
        `wrangler.toml writes its migrations in a way that this command cannot add to: add this one behind them by hand: ${table.replaceAll("\n", " ")}`,
      );
    return changed("wrangler.toml", edited);
  },
};
