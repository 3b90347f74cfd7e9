/** The pipeline that the Python module's own tests talk to: Peach itself, in this process, behind a port. */
import { currentTask, log, task } from "peach/task-helpers";
import { testPipeline, type TestPipeline } from "peach/testing";
import { z } from "zod";
import { serve } from "../client/scripted-server.ts";
import { passedOnTo } from "../support/passed-on.ts";

const CONF = `
tasks:
  echo: {method: echo, downstream: after}
  after: {method: echo}
  typed: {method: typed, description: "<i>typed</i>"}
  failing: {method: failing, retries: 0}
  speaking: {method: speaking}
  fork: {method: echo, downstream: [even, odd, never]}
  even: {method: even}
  odd: {method: odd}
  never: {method: echo, run_if: one_failed}
  listening: {method: echo, on: {event: film.uploaded}}
endpoints:
  recommendations:
    auth: none
    params: {user: {type: string, required: true}, limit: {type: integer, default: 10}}
    components:
      history: {method: history}
  shown: {method: shown, auth: none}
`;

/** A moment of the pipeline's clock. */
// oxlint-disable-next-line no-restricted-globals
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** Writes lines to the log, a second apart. */
async function speak(lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    log.info(line);
    await pause(1_000);
  }
}

const METHODS = {
  echo: (payload: unknown) => payload,
  typed: task({ input: z.object({ text: z.string() }), run: ({ text }) => text.length }),
  failing: ({ name, message }: { name: string; message: string }) => {
    throw Object.assign(new Error(message), { name });
  },
  speaking: speak,
  even: () => speak(["first", "third"]),
  odd: async () => {
    await pause(500);
    await speak([`second of ${currentTask().name}`]);
  },
  history: ({ user, limit }: { user: string; limit: number }) => [user, limit],
  // Answers with the body that it is sent, as what the query says.
  shown: async (request: Request) => {
    const { searchParams } = new URL(request.url);
    const headers = { "Content-Type": searchParams.get("type") ?? "" };
    return new Response(await request.arrayBuffer(), { status: Number(searchParams.get("status")), headers });
  },
};

/** The server's address and the token. `POST /begin` opens a new pipeline, `POST /pass/N` lets N milliseconds pass in it. */
export async function servePipeline(): Promise<{ readonly url: string; readonly token: string }> {
  const open = (): Promise<TestPipeline> =>
    testPipeline({ now: "2026-11-22T10:00:00Z", conf: CONF, pipelines: METHODS });
  let pipeline = await open();
  const { url } = await serve(async (response, asked) => {
    const [, ms] = /^\/pass\/(\d+)$/.exec(asked.url) ?? [];
    if (asked.url !== "/begin" && ms === undefined) return passedOnTo(pipeline)(response, asked);
    if (ms === undefined) pipeline = await open();
    else await pipeline.advance(Number(ms));
    response.end();
  });
  return { url, token: pipeline.token };
}
