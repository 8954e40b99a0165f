/** The connection of this process to the cluster. Without one it hears of nothing that happens there. */
export interface Link {
  isUp(): boolean;
  /** Calls back each time the connection is back after it was lost, until it is cancelled. */
  onRestored(act: () => void): { cancel(): void };
}
