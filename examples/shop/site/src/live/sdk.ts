import { fields, text } from "../json.ts";
import { freshetSdk } from "./sdk-freshet.ts";
import { segmentSdk } from "./sdk-segment.ts";

/** What the shop needs of a capture SDK; times are those of the calls, which may be earlier than the SDK. */
export interface Sdk {
  page(name: string, place: object, at: Date): void;
  track(event: string, properties: object, at: Date): void;
  identify(userId: string, traits: object, at: Date): void;
  reset(): void;
  anonymousId(): string | undefined;
  userId(): string | undefined;
}

/** Starts with a write key; rejects where the server cannot be reached. */
export type StartSdk = (writeKey: string) => Promise<Sdk>;

export const sdks = { freshet: freshetSdk, segment: segmentSdk } as const;
export type SdkName = keyof typeof sdks;

const KEY = "weir.sdk";

/** `?sdk=freshet` says it for this tab; otherwise the server's `SHOP_SDK` does. */
export function chosenSdk(session: unknown): SdkName {
  const asked = new URLSearchParams(location.search).get("sdk") ?? "";
  if (isSdk(asked)) remember(asked);
  const known = recall();
  const told = text(fields(session).sdk);
  return isSdk(known) ? known : isSdk(told) ? told : "segment";
}

/** The same page with another SDK: it begins anew, as with another visitor. */
export function switchSdk(name: SdkName): void {
  remember(name);
  const next = new URL(location.href);
  next.searchParams.delete("sdk");
  history.replaceState(null, "", next);
  location.reload();
}

const isSdk = (name: string): name is SdkName => Object.hasOwn(sdks, name);

function remember(name: SdkName): void {
  try {
    sessionStorage.setItem(KEY, name);
  } catch {
    // Without storage the address decides on each page.
  }
}

function recall(): string {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}
