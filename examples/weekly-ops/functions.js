/** The workflows that weekly-ops.yaml names. */

export function inbox_drive_sweep({ inbox_items }) {
  const items = inbox_items.split(/\s+/).filter((item) => item !== "");
  return { summary: `Prioritized ${items.length} items` };
}

export function weekly_report_pack({ start_date, end_date, sweep__summary }) {
  return { report: `${start_date} to ${end_date}: ${sweep__summary}` };
}

export async function meeting_transcript_brief({ meeting_title, report__report }) {
  return { brief: `${meeting_title}. ${report__report}` };
}
