/**
 * `npm run golden`: records the data of this release. Every later release is tested to open the
 * recording (test/golden).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { FILES, GOLDEN } from "../test/golden/files.ts";
import { recordRelease } from "../test/golden/recorder.ts";

const USAGE = `usage: npm run golden

Plays a scripted set of runs, which between them have every kind of journal entry, and records what
they leave: journals with the documents they come to, messages, grants, announcements and the plan,
in test/golden/<version of package.json>. Run it when a release is about to be tagged, and whenever
a format changes before that; test/golden/golden.test.ts opens what every release has recorded. A
recording of a release that was tagged is never made again.

  --help   this text

Exit code: 0 if it was recorded, 1 if a kind is in none of the runs, 2 if the command was called
wrongly.`;

const [argument] = process.argv.slice(2);
if (argument === "--help") console.log(USAGE);
else if (argument === undefined) await record();
else {
  console.error(`${argument} is not understood.\n\n${USAGE}`);
  process.exitCode = 2;
}

async function record(): Promise<void> {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")));
  const release = await recordRelease();
  const folder = join(GOLDEN, version);
  mkdirSync(folder, { recursive: true });
  for (const file of FILES)
    writeFileSync(join(folder, `${file}.json`), `${JSON.stringify(release[file], null, 1)}\n`);
  console.log(
    `${release.journals.length} runs of release ${version} are recorded in test/golden/${version}`,
  );
}
