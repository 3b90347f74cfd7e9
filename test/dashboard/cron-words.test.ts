import { describe, expect, it } from "vitest";
import { cronInWords } from "../../src/dashboard/cron-words.ts";

describe("a cron expression in words", () => {
  it.each([
    ["* * * * *", "every minute"],
    ["*/5 * * * *", "every 5 minutes"],
    ["0 * * * *", "every hour"],
    ["15 */6 * * *", "every 6 hours at 15 past"],
    ["30 2 * * 1-5", "every weekday at 02:30"],
    ["0 3 * * *", "every day at 03:00"],
    ["0 8,20 * * SAT,SUN", "at weekends at 08:00 and 20:00"],
    ["0 9 * * 1,3", "every Monday and Wednesday at 09:00"],
    ["0 0 1 * *", "on the 1st of the month at 00:00"],
    ["0 0 11,22 1,7 *", "on the 11th and 22nd of the month at 00:00 in January and July"],
    ["*/10 8-17 * * MON-FRI", "every 10 minutes from 08:00 to 17:59, every weekday"],
    ["0 12 L * *", "on the last day of the month at 12:00"],
    ["0 12 * * 1#2", null],
    ["0 12 1 * 1", null],
    ["every day", null],
  ])("%s", (cron, words) => {
    expect(cronInWords(cron)).toBe(words);
  });
});
