/** The commands that have no other end-to-end test, on a deployment that does what they say. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { commandLine, type Written } from "../../scripts/command-line.ts";
import type { Stage } from "../stage.ts";
import { changeObject, listedRuns, SOON } from "./deployment.ts";

const letters = z.object({ dead_letters: z.array(z.object({ id: z.string(), detail: z.string() })) });

export function describeCommandLine(stage: () => Stage): void {
  const peach = (line: string, token = stage().peach.token): Promise<Written> =>
    commandLine(line.split(" "), { env: { PEACH_URL: stage().peach.url, PEACH_API_TOKEN: token } });
  const done = async (line: string): Promise<string> => {
    const { code, out, err } = await peach(line);
    expect([code, line, err]).toEqual([0, line, expect.any(String)]);
    return out;
  };

  describe("the command line", () => {
    it("makes a token that works, lists it and ends it, and the audit says who did", async () => {
      const token = await done("tokens create desk --scopes read --expires-in 1h");
      expect(token).toMatch(/^peach_[0-9A-Za-z]{40}$/);
      expect((await peach("runs --limit 1", token)).code).toBe(0);
      const refused = await peach("trigger echo", token);
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("(forbidden, request ")]);
      expect(await done("tokens list")).toMatch(/^desk +read +20\S+ \S+/m);
      const again = await peach("tokens create desk --scopes read");
      expect([again.code, again.err]).toEqual([1, expect.stringContaining("(token_exists, request ")]);
      // One that is not there keeps none of the others.
      const ended = await peach("tokens delete nobody desk");
      expect([ended.code, ended.err]).toEqual([
        1,
        expect.stringMatching(/^"nobody" is refused: .*\n"desk" has ended$/),
      ]);
      await expect.poll(async () => (await peach("runs --limit 1", token)).code, SOON).toBe(1);
      await expect.poll(() => done("audit --what deleteToken"), SOON).toMatch(/ api +deleteToken +desk +204 /);
    });

    it("finds nobody who is logged in", async () => {
      expect(await done("sessions")).toBe("nobody is logged in");
    });

    it("tries dead letters again, each by itself, and deletes them", async () => {
      for (const name of ["a", "b"]) await changeObject(stage(), "PUT", `wary/command-${name}.bin`, "x");
      const kept = async (): Promise<{ readonly id: string; readonly detail: string }[]> =>
        letters.parse(JSON.parse(await done("dead-letters list --json"))).dead_letters;
      await expect.poll(async () => (await kept()).length, SOON).toBe(2);
      expect(await done("dead-letters")).toMatch(/^\S+ +peach-r2-events +refused +20\S+ \S+ +1 .*not yet/m);
      const [first, second] = await kept();
      // The first is tried for the second time, in vain, alone; then both: the first is taken, the other refused.
      const alone = await peach(`dead-letters redrive ${first?.id}`);
      expect([alone.code, alone.err]).toEqual([1, expect.stringContaining("(redrive_failed, request ")]);
      const both = await peach(`dead-letters redrive ${second?.id} ${first?.id}`);
      expect([both.code, both.err]).toEqual([1, expect.stringContaining(`${first?.id} is tried again`)]);
      expect(both.err).toContain(`${second?.id} is refused: `);
      const [run = ""] = /^run_\w+(?= wary$)/m.exec(both.out) ?? [];
      expect((await stage().peach.finished(run)).status).toBe("succeeded");
      await done(`dead-letters delete ${second?.id}`);
      expect(await done("dead-letters")).toBe("there are none");
    });

    it("finds the uploads of a bucket that nobody was notified of", async () => {
      const { run_id } = await stage().peach.trigger("writes", "missed/by command/ü.txt");
      await stage().peach.finished(run_id);
      const before = await listedRuns(stage(), "missed");
      const line = "reconcile --bucket uploads --prefix missed/by";
      expect(await done(`${line} --dry-run`)).toBe(
        "missed/by command/ü.txt  missed\nuploads: 1 objects listed, 1 looked at; 1 runs would be triggered, 0 refused",
      );
      const told = await done(line);
      const [, run = ""] = /^missed\/by command\/ü\.txt {2}missed {2}(run_\w+)$/m.exec(told) ?? [];
      expect((await stage().peach.finished(run)).status).toBe("succeeded");
      expect(await done(line)).toBe("uploads: 1 objects listed, 1 looked at; 0 runs triggered, 0 refused");
      await expect.poll(() => listedRuns(stage(), "missed"), SOON).toEqual([run, ...before]);
    });

    it("shows the schedules of the deployment, and holds them back", async () => {
      expect(await done("schedules --deployed")).toMatch(/^yearly {2}.*@yearly/m);
      expect(await done("pause yearly --schedule")).toBe("the schedules of yearly are paused");
      expect(await done("schedules --deployed")).toMatch(/^yearly {2}.*paused/m);
      expect(await done("resume yearly --schedule")).toBe("the schedules of yearly are resumed");
      expect(await done("schedules --deployed")).not.toContain("paused");
    });
  });
}
