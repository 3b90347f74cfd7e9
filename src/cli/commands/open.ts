import { openBrowser } from "../../local/open-browser.ts";
import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS, type AnyClient, isLocal, placeOf } from "../deployment.ts";
import { loginLink } from "../login-link.ts";
import { runIdOf } from "../run-argument.ts";

/** `peach open [RUN]`. */
export const open = defineCommand({
  name: "open",
  summary: "opens the dashboard in a browser, or the page of a run",
  description: `Opens the dashboard in a browser, or with RUN the page of this run: an id or its
beginning. For a runtime on this machine the link also logs the browser in, once. The link is
printed; without a browser it is all that happens.`,
  words: [{ name: "RUN", means: "run", optional: true }],
  options: {
    failed: { help: "the page of the newest run that failed" },
    print: { help: "only prints the link" },
    ...DEPLOYMENT_OPTIONS,
    json: { help: '{"url", "opened"}' },
  },
  async run({ options, words: [given] }, host) {
    const { failed = false, print = false, json = false } = options;
    const place = placeOf(options, host);
    const isRun = given !== undefined || failed;
    const peach = connect(options, host);
    const path = isRun ? `/runs/${await runOf(peach, given, host.signal, failed)}` : "";
    const link = isLocal(place.url)
      ? await loginLink(place.url, place.token, isRun ? path : "/login")
      : `${place.url}/dashboard${path}`;
    const opened = print ? false : await openBrowser(link, host.env);
    host.out(json ? JSON.stringify({ url: link, opened }, null, 2) : link);
    if (!print && !opened && !json) host.err("no browser was found here: open the link in one");
    return 0;
  },
});

/** Resolves the id of the run. Rejects for a run that the deployment does not have. */
async function runOf(
  peach: AnyClient,
  given: string | undefined,
  signal: AbortSignal,
  failed: boolean,
): Promise<string> {
  const runId = await runIdOf(peach, given, signal, { failed });
  return given === undefined ? runId : (await peach.runs.get(runId, { signal })).run_id;
}
