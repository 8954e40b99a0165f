/**
 * What nobody can go on with by itself: messages that could not be read, with their bytes, and tasks that killed their
 * workers. Nothing is thrown away before somebody says so, or there are very many.
 */
import type { Loss } from "../core/endings.ts";
import type { QueuedAttempt } from "./task-queue.ts";

/** A message that could not be read. */
export interface UnreadableLetter {
  readonly kind: "unreadable";
  /** Where it came from: the subject it was sent to. */
  readonly subject: string;
  /** What is wrong with it, in one line. */
  readonly reason: string;
  readonly bytes: Uint8Array;
}

/** An instance that ended as `crashed`: its workers died while they ran it. */
export interface CrashedLetter {
  readonly kind: "crashed";
  readonly runId: string;
  readonly dagName: string;
  readonly task: string;
  readonly index: number;
  /** Of the run, when it crashed. */
  readonly gen: number;
  /** The attempts that were lost, the oldest first. */
  readonly losses: readonly Loss[];
}

export type DeadLetter = UnreadableLetter | CrashedLetter;

interface AnyHead {
  /** The same for ever: a message that is met again is the same letter. 16 hexadecimal digits. */
  readonly id: string;
  /** When it was put, for the last time if it was more than once; milliseconds since 1970. */
  readonly time: number;
  /** Tells a letter from the same one that came again. */
  readonly seq: number;
  /** Of crashed tasks how the last attempt was known to be lost. */
  readonly reason: string;
  /** The run that it is about, as far as that can be told. */
  readonly runId?: string;
}

/** What a list shows of a letter. */
export type LetterHead =
  | (AnyHead & {
      readonly kind: "unreadable";
      readonly subject: string;
      /** How many bytes the message has, or had if not all of them were kept. */
      readonly size: number;
      /** Of a queued attempt. */
      readonly attempt?: QueuedAttempt;
    })
  | (AnyHead & {
      readonly kind: "crashed";
      readonly runId: string;
      readonly task: string;
      readonly index: number;
      readonly losses: number;
    });

export interface StoredLetter {
  readonly head: LetterHead;
  readonly letter: DeadLetter;
}

export interface DeadLetters {
  put(letter: DeadLetter): Promise<void>;
  /** The newest `limit` letters, or of those that are meant, newest first. */
  list(limit: number, isMeant?: (head: LetterHead) => boolean): Promise<LetterHead[]>;
  get(id: string): Promise<StoredLetter | undefined>;
  /** Throws a letter away; `false` when it is gone. The same letter that came again meanwhile stays. */
  remove(head: LetterHead): Promise<boolean>;
}

/** What has become of a message that was to be sent again. */
export type SentAgain =
  /** It is stored again, for whoever reads there. */
  | "sent"
  /** The queue holds a copy of this attempt already. */
  | "queued"
  /** Its log still holds it, and this version can read it: so does everybody who reads the log anew. */
  | "readable"
  /** Its log still holds it, and it still cannot be read. */
  | "held"
  /** It was of the kind that is never stored, and says nothing any more. */
  | "out-of-date"
  /** Not all of its bytes were kept. */
  | "cut";

/** The messages behind the letters, in the streams they came from. */
export interface Originals {
  /** Sends it to where it came from. */
  sendAgain(stored: StoredLetter): Promise<SentAgain>;
  /** Deletes the message where its stream still holds it and it cannot be read: whoever reads the stream would put it aside again. */
  remove(head: LetterHead): Promise<void>;
}
