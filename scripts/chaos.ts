/**
 * `npm run chaos`: puts continuous load on the real local runtime, kills all of it (SIGKILL) again
 * and again, and restarts it on the same state. Afterwards compares the API's answers and the
 * records of an outside recorder with Peach's guarantees.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChaos } from "./chaos/scenario.ts";
import { figuresOf, renderReport } from "./chaos/report.ts";
import { parseOptions, UsageError } from "../src/local/arguments.ts";
import { exitCodeOf } from "../src/local/exit-code.ts";

const USAGE = `usage: npm run chaos [-- --runs N] [-- --kills N] [-- --poisons N] [-- --seed S] [-- --seconds LIMIT] [-- --json]

Triggers runs on the local runtime while all its processes are killed at random moments and started
again with another version of peach.conf, and checks from outside that every accepted run ends as it
has to, that nobody fails for a poison item but that item, that every result is accepted once, and
that nothing is left after retention.

  --runs N         triggers to send (default 2000); tasks trigger further runs
  --kills N        SIGKILLs of the whole runtime (default 20)
  --poisons N      runs with an item that kills the runtime each time that it runs (default 2);
                   these kills are counted apart
  --seed S         what is sent, and when it is killed (default random, printed)
  --seconds LIMIT  gives up after this time (default 1800)
  --json           one JSON object
  --help           this text

Exit code: 0 if nothing is violated, 1 if something is (its folder is kept), 2 if the command was
called wrongly.`;

async function main(args: readonly string[]): Promise<number> {
  const given = parseOptions(args, {
    runs: { type: "string" },
    kills: { type: "string" },
    poisons: { type: "string" },
    seed: { type: "string" },
    seconds: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (given.help === true) {
    console.log(USAGE);
    return 0;
  }
  const runs = parseCount("runs", given.runs ?? "2000", 1);
  const kills = parseCount("kills", given.kills ?? "20", 0);
  const poisons = parseCount("poisons", given.poisons ?? "2", 0);
  const seed =
    given.seed === undefined
      ? Math.floor(Math.random() * 2 ** 32)
      : parseCount("seed", given.seed, 0);
  const seconds = parseCount("seconds", given.seconds ?? "1800", 1);
  console.error(`chaos: seed ${seed}, ${runs} triggers, ${kills} kills`);

  const folder = mkdtempSync(join(tmpdir(), "peach-chaos-"));
  const onProgress = (text: string): void => console.error(`chaos: ${text}`);
  const outcome = await runChaos({ runs, kills, poisons, seed, seconds, folder, onProgress });
  console.log(
    given.json === true ? JSON.stringify(figuresOf(outcome), null, 2) : renderReport(outcome),
  );
  if (outcome.violations.length === 0 && !outcome.gaveUp) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    return 0;
  }
  console.error(`State and reports are kept in ${folder}`);
  console.error(
    `Again: npm run chaos -- --runs ${runs} --kills ${kills} --poisons ${poisons} --seed ${seed}`,
  );
  return 1;
}

/** Parses a whole number of at least `least`. Throws `UsageError` for anything else. */
function parseCount(name: string, text: string, least: number): number {
  const count = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= least))
    throw new UsageError(
      `--${name} takes a whole number from ${least}, given ${JSON.stringify(text)}.`,
    );
  return count;
}

process.exitCode = await exitCodeOf(main, USAGE);
