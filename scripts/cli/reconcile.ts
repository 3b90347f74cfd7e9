import { z } from "zod";
import { withOptions } from "./arguments.ts";
import type { Command, ExitCode, Surroundings } from "./command.ts";

const page = z.object({
  listed: z.number(),
  matching: z.number(),
  too_old: z.number(),
  missed: z.array(z.object({ key: z.string(), task: z.string(), run_id: z.string() })),
  refused: z.array(z.object({ key: z.string(), task: z.string(), code: z.string(), detail: z.string() })),
  next_cursor: z.string().nullable(),
});
const problem = z.object({ detail: z.string(), hint: z.string().optional() });

type Page = z.infer<typeof page>;

/** `peach reconcile`: triggers what R2's notifications have missed. */
export const reconcile: Command = {
  summary: "lists a bucket and triggers what R2's notifications have missed",
  usage: `usage: npm run peach -- reconcile --bucket NAME [--prefix P] [--since DURATION] [--dry-run] [--url URL] [--token T] [--json]

Goes through the objects of a bucket of the deployed pipeline and triggers each version that fits a rule of peach.conf and has
no run. What has its run keeps it, so it may be done at any time, also again. Objects older than \`retention\` are left out: their
runs may be deleted already. Missed deletions cannot be found. Exits with 1 if the server refuses, or a task refuses an object.

  --bucket NAME      the bucket_name
  --prefix P         only keys that begin so
  --since DURATION   only objects that were uploaded since, such as 2h or 7d
  --dry-run          only tells what it would trigger
  --url URL          of the deployment (default: PEACH_URL)
  --token T          an admin token (default: PEACH_API_TOKEN)
  --json             {"bucket", "dry_run", "listed", "matching", "too_old", "missed": [{"key", "task", "run_id"}], "refused": [{"key", "task", "code", "detail"}]}`,

  run(args, surroundings) {
    const options = {
      bucket: { type: "string" },
      prefix: { type: "string" },
      since: { type: "string" },
      "dry-run": { type: "boolean" },
      url: { type: "string" },
      token: { type: "string" },
      json: { type: "boolean" },
    } as const;
    return withOptions(this, options, args, surroundings, async (given) => {
      const { bucket, prefix, since, json = false } = given;
      const url = given.url ?? surroundings.env["PEACH_URL"] ?? "";
      const token = given.token ?? surroundings.env["PEACH_API_TOKEN"] ?? "";
      const missing =
        bucket === undefined
          ? "--bucket"
          : url === ""
            ? "--url (or PEACH_URL)"
            : token === ""
              ? "--token (or PEACH_API_TOKEN)"
              : null;
      if (bucket === undefined || missing !== null) {
        surroundings.err(`${missing} is missing\n\n${this.usage}`);
        return 2;
      }
      if (!URL.canParse(url)) {
        surroundings.err(`--url: expected a URL such as https://peach.example.workers.dev, given ${url}`);
        return 2;
      }
      const isDryRun = given["dry-run"] === true;
      const query = new URLSearchParams({
        dry_run: String(isDryRun),
        ...(prefix !== undefined && { prefix }),
        ...(since !== undefined && { since }),
      });
      const call = new URL(`${url.replace(/\/+$/, "")}/api/v1/r2/${encodeURIComponent(bucket)}/reconcile`);
      return followPages({ call, query, token, bucket, isDryRun, json }, surroundings);
    });
  },
};

interface Task {
  readonly call: URL;
  readonly query: URLSearchParams;
  readonly token: string;
  readonly bucket: string;
  readonly isDryRun: boolean;
  readonly json: boolean;
}

/** The pages added up. */
type Total = Omit<Page, "next_cursor">;

async function followPages(task: Task, { out, err }: Surroundings): Promise<ExitCode> {
  const total: Total = { listed: 0, matching: 0, too_old: 0, missed: [], refused: [] };
  let cursor: string | null = null;
  do {
    const answer: Page | string = await askPage(task, cursor);
    if (typeof answer === "string") {
      err(answer);
      return 1;
    }
    total.listed += answer.listed;
    total.matching += answer.matching;
    total.too_old += answer.too_old;
    total.missed.push(...answer.missed);
    total.refused.push(...answer.refused);
    if (!task.json) for (const line of linesOf(answer, task.isDryRun)) out(line);
    cursor = answer.next_cursor;
  } while (cursor !== null);
  if (task.json) out(JSON.stringify({ bucket: task.bucket, dry_run: task.isDryRun, ...total }, null, 2));
  else out(summary(task, total));
  return total.refused.length === 0 ? 0 : 1;
}

/** The page, or why there is none. */
async function askPage({ call, query, token }: Task, cursor: string | null): Promise<Page | string> {
  const url = new URL(call);
  url.search = query.toString();
  if (cursor !== null) url.searchParams.set("cursor", cursor);
  try {
    const answer = await fetch(url, { method: "POST", headers: { Authorization: `Bearer ${token}` } });
    const text = await answer.text();
    if (answer.ok) return page.parse(JSON.parse(text));
    const refusal = problem.safeParse(parseOrNull(text));
    const reason = refusal.success ? `${refusal.data.detail} ${refusal.data.hint ?? ""}`.trim() : text.slice(0, 200);
    return `${call.origin} answered ${answer.status}: ${reason}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
    return `${call.origin} cannot be asked: ${error instanceof Error ? error.message : String(error)}${cause}`;
  }
}

function linesOf({ missed, refused }: Page, isDryRun: boolean): string[] {
  return [
    ...missed.map(({ key, task, run_id: runId }) => (isDryRun ? `${key}  ${task}` : `${key}  ${task}  ${runId}`)),
    ...refused.map(({ key, task, detail }) => `${key}  ${task}  refused: ${detail}`),
  ];
}

function summary({ bucket, isDryRun }: Task, total: Omit<Page, "next_cursor">): string {
  const did = isDryRun ? "would be triggered" : "triggered";
  const old = total.too_old === 0 ? "" : `, ${total.too_old} older than retention and left out`;
  return `${bucket}: ${total.listed} objects listed, ${total.matching} looked at${old}; ${total.missed.length} runs ${did}, ${total.refused.length} refused`;
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
