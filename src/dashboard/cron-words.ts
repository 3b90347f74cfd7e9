/** Cron expressions in words, such as `every weekday at 02:30`. Pure. */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** The words of an expression; null for one that is too odd for words. */
export function cronInWords(cron: string): string | null {
  const fields = cron.trim().toUpperCase().split(/\s+/);
  if (fields.length !== 5) return null;
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  const time = timeWords(minute, hour);
  const days = dayWords(day, weekday);
  const months = listOf(month, (name) => nameIn(MONTHS, name, 1));
  if (time === null || days === null || months === null) return null;
  const season = months === "" ? "" : ` in ${months}`;
  if (time.isRepeated) return `${time.text}${days === "every day" ? "" : `, ${days}`}${season}`;
  return `${days} ${time.text}${season}`;
}

interface TimeWords {
  readonly text: string;
  /** True for times that come several times a day by an interval. */
  readonly isRepeated: boolean;
}

/** Words of the minute and hour fields; null for odd ones. */
function timeWords(minute: string, hour: string): TimeWords | null {
  const everyMinutes = stepOf(minute);
  if (hour === "*" && everyMinutes !== null)
    return {
      text: everyMinutes === 1 ? "every minute" : `every ${everyMinutes} minutes`,
      isRepeated: true,
    };
  const between = /^(\d+)-(\d+)$/.exec(hour);
  if (everyMinutes !== null && between !== null)
    return {
      text: `every ${everyMinutes === 1 ? "minute" : `${everyMinutes} minutes`} from ${two(between[1])}:00 to ${two(between[2])}:59`,
      isRepeated: true,
    };
  if (!/^\d+$/.test(minute)) return null;
  const everyHours = stepOf(hour);
  const past = Number(minute) === 0 ? "" : ` at ${minute} past`;
  if (everyHours !== null)
    return {
      text: everyHours === 1 ? `every hour${past}` : `every ${everyHours} hours${past}`,
      isRepeated: true,
    };
  if (between !== null)
    return {
      text: `every hour${past} from ${two(between[1])}:00 to ${two(between[2])}:00`,
      isRepeated: true,
    };
  if (!/^\d+(,\d+)*$/.test(hour)) return null;
  const times = hour.split(",").map((value) => `${two(value)}:${two(minute)}`);
  return { text: `at ${joinWords(times)}`, isRepeated: false };
}

/** Words of the day and weekday fields; null for odd ones. */
function dayWords(day: string, weekday: string): string | null {
  if (day === "*" || day === "?") {
    if (weekday === "*" || weekday === "?") return "every day";
    if (weekday === "1-5" || weekday === "MON-FRI") return "every weekday";
    if (["0,6", "6,0", "6-7", "SAT,SUN", "SAT-SUN", "6,7"].includes(weekday)) return "at weekends";
    const names = listOf(weekday, (name) => nameIn(DAYS, name === "7" ? "0" : name, 0));
    return names === null ? null : `every ${names}`;
  }
  if (weekday !== "*" && weekday !== "?") return null;
  if (day === "L") return "on the last day of the month";
  const step = /^\*\/(\d+)$/.exec(day)?.[1];
  if (step !== undefined) return `every ${step} days`;
  if (!/^\d+(,\d+)*$/.test(day)) return null;
  return `on the ${joinWords(day.split(",").map(ordinal))} of the month`;
}

/** The names of a list such as `1,3` or `MON-WED`; empty for `*`, null for anything else. */
function listOf(field: string, name: (value: string) => string | null): string | null {
  if (field === "*") return "";
  const parts = field.split(",").map((part) => {
    const [from = "", to, ...more] = part.split("-");
    const [first, last] = [name(from), to === undefined ? "" : name(to)];
    if (first === null || last === null || more.length > 0) return null;
    return last === "" ? first : `${first} to ${last}`;
  });
  return parts.includes(null) ? null : joinWords(parts.filter((part) => part !== null));
}

/** The name of a number or abbreviation; `first` is the number of the first name. */
function nameIn(names: readonly string[], value: string, first: number): string | null {
  if (/^\d+$/.test(value)) return names[Number(value) - first] ?? null;
  return names.find((name) => name.slice(0, 3).toUpperCase() === value) ?? null;
}

/** The step of `*` or of a field such as `0/5`; null for anything else. */
function stepOf(field: string): number | null {
  if (field === "*") return 1;
  const step = /^(?:\*|0)\/(\d+)$/.exec(field)?.[1];
  return step === undefined ? null : Number(step);
}

/** Formats a number as `1st`, `22nd`. */
function ordinal(value: string): string {
  const number = Number(value);
  const ending =
    number > 10 && number < 14 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${ending}`;
}

/** Pads a number to two digits. */
function two(value: string | undefined): string {
  return String(value).padStart(2, "0");
}

/** Joins words as `a, b and c`. */
function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
