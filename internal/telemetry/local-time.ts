/** A point in time for a person here: `2026-01-31 08:00:00`, in the local time zone. */
export function localTime(ms: number): string {
  const at = new Date(ms);
  const date = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(pad).join("-");
  return `${date} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(":")}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
