import { expect, it } from "vitest";
import { problem } from "../client/scripted-server.ts";
import { peach, SUMMARY } from "./scripted-peach.ts";

const RUN = `run_${"a".repeat(26)}`;

it("a run that is not there has no page to open", async () => {
  const { code, out, err, calls } = await peach(`open ${RUN} --print`, [problem(404, "unknown_run")]);
  expect([code, out, calls]).toEqual([1, "", [`GET /runs/${RUN}`]]);
  expect(err).toContain("unknown_run");
});

it("the beginning of an id that none of the newest runs has is not taken for a run that does not exist", async () => {
  const page = Array.from({ length: 1_000 }, () => ({ ...SUMMARY, run_id: RUN }));
  const { code, err } = await peach("show zz", [{ body: { runs: page, next_cursor: "more" } }]);
  expect(code).toBe(2);
  expect(err).toContain("none of the newest 1000 runs begins with zz: an older one needs its whole id");
});
