/** Dates and times of a definition, as text that was checked before. */

/** Whether an end comes before a start. A date is a whole day of the time zone. */
export function endsBefore(end: string, start: string, timezone: string): boolean {
  if (!isDay(end) && !isDay(start)) return Date.parse(end) < Date.parse(start);
  return dayOf(end, timezone) < dayOf(start, timezone);
}

function isDay(text: string): boolean {
  return !text.includes("T");
}

/** As `YYYY-MM-DD`, which is what a Swede writes. */
function dayOf(text: string, timeZone: string): string {
  return isDay(text) ? text : new Intl.DateTimeFormat("sv-SE", { timeZone }).format(Date.parse(text));
}
