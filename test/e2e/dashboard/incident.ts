/** An incident: 25 runs have failed from two causes in 13 pipelines, each of which had succeeded before. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Stage } from "../stage.ts";

const PIPELINES = [
  "encode_film",
  "encode_trailer",
  "cut_scenes",
  "sync_crm",
  "send_invoices",
  "import_orders",
  "render_posters",
  "transcribe_calls",
  "score_leads",
  "archive_audio",
  "notify_partners",
  "build_sitemap",
  "clean_uploads",
] as const;

/** Runs that fail for want of disk: 16, in the first nine pipelines. */
const DISK = 16;
/** Runs that fail because of the vendor: 9, in the last nine. */
const VENDOR = 9;
const HIT = 9;

/** The fixture's own tasks, and the pipelines: a task that breaks between two that do not. */
export function incidentConf(): string {
  const own = readFileSync(join(import.meta.dirname, "../fixtures/dashboard/peach.conf"), "utf8");
  const tasks = PIPELINES.map(
    (name) => `  ${name}: {method: pass, downstream: ${name}_work}
  ${name}_work: {method: breaks, retries: 0, downstream: ${name}_done}
  ${name}_done: {method: pass}
`,
  );
  return own.replace("endpoints:\n", () => `${tasks.join("")}endpoints:\n`);
}

/** Has each pipeline succeed once, and then 25 runs fail. Returns the ids of the failed ones by cause. */
export async function haveIncident({ peach }: Stage): Promise<{ disk: string[]; vendor: string[] }> {
  const run = async (pipeline: string, payload: unknown): Promise<string> => {
    const { run_id } = await peach.trigger(pipeline, payload);
    await peach.finished(run_id);
    return run_id;
  };
  await Promise.all(PIPELINES.map((name, film) => run(name, { film })));
  const [first, last] = [PIPELINES.slice(0, HIT), PIPELINES.slice(-HIT)];
  const fail = (cause: string, count: number, among: readonly string[]): Promise<string[]> =>
    Promise.all(
      Array.from({ length: count }, (_, at) => run(among[at % among.length] ?? "", { cause, film: 100 + at })),
    );
  const [disk, vendor] = await Promise.all([fail("disk", DISK, first), fail("vendor", VENDOR, last)]);
  return { disk, vendor };
}
