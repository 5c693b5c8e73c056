/**
 * The errors of the log, state and registry ports: the world's failures, typed. `retryable` says whether the
 * same call may succeed later with nothing changed by hand.
 */
interface StorageErrorOptions {
  readonly message: string;
  readonly hint: string;
  readonly cause?: unknown;
}

abstract class StorageError extends Error {
  abstract readonly code: string;
  abstract readonly retryable: boolean;
  readonly hint: string;

  constructor(options: StorageErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
  }
}

/** The append was not kept: disk full, input or output failed, or the log is closed. Answer 503. */
export class LogWriteError extends StorageError {
  readonly code = "logWrite";
  readonly retryable = true;
}

/** Another process, or another part of this one, has the log open for writing. */
export class LogLockedError extends StorageError {
  readonly code = "logLocked";
  readonly retryable = true;
}

/**
 * Bytes of the log are not what was written. `offset` is the first record that cannot be trusted.
 */
export class LogCorruptError extends StorageError {
  readonly code = "logCorrupt";
  readonly retryable = false;
  readonly offset: number;

  constructor(offset: number, options: StorageErrorOptions) {
    super(options);
    this.offset = offset;
  }
}

/** The bytes are whole, but this version cannot read them: a newer format, or a sealed record. */
export class LogUnreadableError extends StorageError {
  readonly code = "logUnreadable";
  readonly retryable = false;
  readonly offset: number;

  constructor(offset: number, options: StorageErrorOptions) {
    super(options);
    this.offset = offset;
  }
}

/** The read starts before the oldest record that is kept. */
export class LogTrimmedError extends StorageError {
  readonly code = "logTrimmed";
  readonly retryable = false;
}

/** The commit was not kept, as a whole. The engine may try it again. */
export class StateWriteError extends StorageError {
  readonly code = "stateWrite";
  readonly retryable = true;
}

/** Another process, or another part of this one, has the store open for writing. */
export class StateLockedError extends StorageError {
  readonly code = "stateLocked";
  readonly retryable = true;
}

/** The schema registry did not answer: it is down, slow, or answers what no registry answers. */
export class RegistryUnavailableError extends StorageError {
  readonly code = "registryUnavailable";
  readonly retryable = true;
}
