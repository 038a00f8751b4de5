/** What the line asks of the link when a change has to be confirmed over it. */
export interface LinkDoor {
  up(): boolean;
  /** The number of the last record for the fleet. */
  lastSeq(): number;
  /** The broker has every record up to this number. */
  acknowledgedSeq(): number;
}
