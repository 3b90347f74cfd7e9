import { printable } from "../../compiler/printable.ts";
import type { ReconciledPage } from "../../client/client.ts";
import { defineCommand, UsageError } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { readDuration } from "../filter-options.ts";

/** The sums over all pages. */
interface Total {
  listed: number;
  matching: number;
  too_old: number;
  readonly missed: ReconciledPage["missed"][number][];
  readonly refused: ReconciledPage["refused"][number][];
}

/** `peach reconcile`: triggers runs for objects that R2's notifications have missed. */
export const reconcile = defineCommand({
  name: "reconcile",
  summary: "lists a bucket and triggers what R2's notifications have missed",
  description: `Goes through the objects of a bucket of the deployed pipeline and triggers each
version that fits a rule of peach.conf and has no run. What has its run keeps it, so it may be done
at any time, also again. Objects older than \`retention\` are left out: their runs may be deleted
already. Missed deletions cannot be found. Exits with 1 if the server refuses, or a task refuses an
object.`,
  options: {
    bucket: { takes: "NAME", help: "the bucket_name" },
    prefix: { takes: "P", help: "only keys that begin so" },
    since: { takes: "DURATION", help: "only objects that were uploaded since, such as 2h or 7d" },
    "dry-run": { help: "only tells what it would trigger" },
    ...DEPLOYMENT_OPTIONS,
    json: {
      help:
        '{"bucket", "dry_run", "listed", "matching", "too_old", "missed": [{"key", "task", ' +
        '"run_id"}], "refused": [{"key", "task", "code", "detail"}]}',
    },
  },
  async run({ options }, host) {
    const { bucket, prefix, "dry-run": dryRun = false, json = false } = options;
    if (bucket === undefined) throw new UsageError("--bucket is missing");
    const since = readDuration("since", options.since);
    const peach = connect(options, host);
    const { out, signal } = host;
    const total: Total = { listed: 0, matching: 0, too_old: 0, missed: [], refused: [] };
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page: ReconciledPage = await peach.reconcile(bucket, {
        prefix,
        since,
        dryRun,
        cursor,
        signal,
      });
      total.listed += page.listed;
      total.matching += page.matching;
      total.too_old += page.too_old;
      total.missed.push(...page.missed);
      total.refused.push(...page.refused);
      if (!json) for (const line of linesOf(page, dryRun)) out(line);
      cursor = page.next_cursor;
    }
    out(
      json
        ? JSON.stringify({ bucket, dry_run: dryRun, ...total }, null, 2)
        : summary(bucket, dryRun, total),
    );
    return total.refused.length === 0 ? 0 : 1;
  },
});

function linesOf({ missed, refused }: ReconciledPage, isDryRun: boolean): string[] {
  return [
    ...missed.map(
      ({ key, task, run_id: runId }) => `${printable(key)}  ${task}${isDryRun ? "" : `  ${runId}`}`,
    ),
    ...refused.map(({ key, task, detail }) => `${printable(key)}  ${task}  refused: ${detail}`),
  ];
}

function summary(bucket: string, isDryRun: boolean, total: Total): string {
  const did = isDryRun ? "would be triggered" : "triggered";
  const old = total.too_old === 0 ? "" : `, ${total.too_old} older than retention and left out`;
  return `${bucket}: ${total.listed} objects listed, ${total.matching} looked at${old}; ${total.missed.length} runs ${did}, ${total.refused.length} refused`;
}
