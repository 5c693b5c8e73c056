/**
 * What the registry refuses, in the words of the API that its clients know: they look at these numbers, and people
 * search for these sentences.
 */
export const registryErrors = {
  subjectNotFound: { status: 404, code: 40401 },
  versionNotFound: { status: 404, code: 40402 },
  schemaNotFound: { status: 404, code: 40403 },
  subjectSoftDeleted: { status: 404, code: 40404 },
  subjectNotSoftDeleted: { status: 404, code: 40405 },
  versionSoftDeleted: { status: 404, code: 40406 },
  versionNotSoftDeleted: { status: 404, code: 40407 },
  compatibilityNotConfigured: { status: 404, code: 40408 },
  modeNotConfigured: { status: 404, code: 40409 },
  incompatible: { status: 409, code: 40901 },
  requestInvalid: { status: 422, code: 422 },
  schemaInvalid: { status: 422, code: 42201 },
  versionInvalid: { status: 422, code: 42202 },
  compatibilityInvalid: { status: 422, code: 42203 },
  modeInvalid: { status: 422, code: 42204 },
  notPermitted: { status: 422, code: 42205 },
  referenceExists: { status: 422, code: 42206 },
  idDoesNotMatch: { status: 422, code: 42207 },
  subjectInvalid: { status: 422, code: 42208 },
  schemaTooLarge: { status: 422, code: 42209 },
  ruleSetInvalid: { status: 422, code: 42210 },
  store: { status: 500, code: 50001 },
  operationTimeout: { status: 500, code: 50002 },
} as const satisfies Record<string, { readonly status: number; readonly code: number }>;

export type RegistryErrorName = keyof typeof registryErrors;

/** A refusal of the registry; nothing was changed. */
export class RegistryError extends Error {
  readonly kind: RegistryErrorName;
  readonly status: number;
  /** The number of the API, five digits where it has one. */
  readonly errorCode: number;

  constructor(kind: RegistryErrorName, message: string, options?: { readonly cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RegistryError";
    this.kind = kind;
    this.status = registryErrors[kind].status;
    this.errorCode = registryErrors[kind].code;
  }
}

export const subjectNotFound = (subject: string) =>
  new RegistryError("subjectNotFound", `Subject '${subject}' not found.`);

export const versionNotFound = (version: number) =>
  new RegistryError("versionNotFound", `Version ${version} not found.`);

export const schemaNotFound = (id?: number | string) =>
  new RegistryError(
    "schemaNotFound",
    id === undefined ? "Schema not found" : `Schema ${id} not found`,
  );
