/** How much room values have that are stored apart, files of artifacts among them. */
import { CODES, isApiError, isDenied } from "./answers.ts";
import type { Context } from "./context.ts";
import { patiently } from "./patience.ts";

/**
 * Sets it, in bytes. Where the server has none for so much, or this user may not, it stays as it is: who looks after the
 * log goes by the limit that is there.
 */
export async function boundValues(
  { jsm, names, onTrouble }: Pick<Context, "jsm" | "names" | "onTrouble">,
  max_bytes: number,
): Promise<void> {
  const name = names.blobsStream;
  try {
    await patiently(() => jsm.streams.update(name, { max_bytes }));
  } catch (error) {
    const what = `${max_bytes} bytes for the stream ${name} (--values-bytes)`;
    if (isDenied(error)) onTrouble(`this user may not set ${what}: its limit stays as it is`);
    else if (isApiError(error, [...CODES.noRoomForStream, CODES.noPeers]))
      onTrouble(`the server has no room for ${what}: its limit stays as it is; give JetStream more room`);
    else throw error;
  }
}
