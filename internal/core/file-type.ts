/** What kind of file an artifact is, by its name and its MIME type. */
import type { ArtifactFacts } from "./artifact.ts";
import { extensionOf } from "./expression/path-pipes.ts";

export type FileType = "subtitle" | "archive" | "video" | "image" | "audio" | "other";

/** They say it whatever the MIME type is: subtitles, for one, are often told to be video. */
const BY_EXTENSION = typesOf({
  subtitle: ".srt .sub .ass .ssa .vtt .idx",
  archive: ".zip .rar .7z .tar .gz .bz2 .xz",
});

/** Where the MIME type is none of these. */
const BY_EXTENSION_AFTER_MIME = typesOf({
  video: ".mp4 .mkv .avi .mov .wmv .flv .webm .m4v .mpg .mpeg .ts",
  image: ".jpg .jpeg .png .gif .bmp .webp .svg .tiff",
  audio: ".mp3 .flac .aac .ogg .wav .wma .m4a .opus",
});

/** In this order the first that is said by either of the two counts. */
const MEDIA = ["video", "image", "audio"] as const;

function typesOf(extensions: Partial<Record<FileType, string>>): ReadonlyMap<string, FileType> {
  const entries = Object.entries(extensions) as [FileType, string][];
  return new Map(
    entries.flatMap(([type, all]) => all.split(" ").map((each): [string, FileType] => [each, type])),
  );
}

export function fileTypeOf({ name, mimeType }: Pick<ArtifactFacts, "name" | "mimeType">): FileType {
  const extension = lowerExtension(name);
  const first = BY_EXTENSION.get(extension);
  if (first !== undefined) return first;
  const byName = BY_EXTENSION_AFTER_MIME.get(extension);
  return MEDIA.find((type) => byName === type || mimeType?.startsWith(`${type}/`) === true) ?? "other";
}

/** The last one with its dot, in lower case; empty where there is none, and for `.name` and `name.`. */
export function lowerExtension(name: string): string {
  return extensionOf(name).toLowerCase();
}
