import type { FreshetError } from "@freshet/protocol";

/** The types of the API's bodies, the one that is answered with when the client takes any first. */
export const registryTypes = [
  "application/vnd.schemaregistry.v1+json",
  "application/vnd.schemaregistry+json",
  "application/json",
] as const;

export interface RegistryAnswer {
  readonly error_code: number;
  readonly message: string;
}

export function refusal(errorCode: number, message: string): RegistryAnswer {
  return { error_code: errorCode, message };
}

const paths =
  /^\/+(?:subjects|schemas|config|compatibility|mode|contexts|associations|v1\/metadata)(?:[/?]|$)/;

/** Whether whoever sent a request waits for errors in the registry's form. */
export function isRegistryPath(url: string): boolean {
  return paths.test(url);
}

/** An error of the server itself, in the form that the registry's clients read. */
export function registryAnswerOf(error: FreshetError): {
  readonly status: number;
  readonly body: RegistryAnswer;
} {
  const { code, status, message, hint } = error;
  const mapped = statuses[code] ?? status;
  return { status: mapped, body: refusal(codes[code] ?? mapped, `${message}; ${hint}`) };
}

/** Where HTTP has a more exact word than capture clients may see. */
const statuses: { readonly [code in FreshetError["code"]]?: number } = {
  methodNotAllowed: 405,
  mediaTypeUnknown: 415,
  notAcceptable: 406,
  internal: 500,
};

const codes: { readonly [code in FreshetError["code"]]?: number } = {
  internal: 50001,
};
