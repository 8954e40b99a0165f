/** Waits for a condition, never for a time; at the deadline it fails and prints the state. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  state: () => unknown = () => "",
  deadlineMs = 20_000,
): Promise<T> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > giveUpAt) {
      throw new Error(
        `not reached within ${deadlineMs} ms; state: ${JSON.stringify(await state(), null, 1)}`,
      );
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}
