/** Something that the person at the keyboard can mend: printed as two lines, never as a stack. */
export class UsageError extends Error {
  readonly hint: string;
  /** 1: it failed; 2: it was called wrongly. */
  readonly exitCode: 1 | 2;

  constructor(message: string, hint: string, exitCode: 1 | 2 = 2) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
    this.exitCode = exitCode;
  }
}
