import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import type { TrustProxy } from "../options.ts";

/** Of one connection, not of the request on it. */
const ownToConnection = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"],
  ...["upgrade", "expect", "http2-settings"],
]);

/** What a client may say of itself only where a trusted proxy is in front. */
const toldByProxies = new Set(["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]);

/**
 * The head of a request for the thread behind, which takes the last entry of `X-Forwarded-For` from us. Names and
 * values in turns, as they came.
 */
export function forwardedHeaders(
  { rawHeaders, socket }: Pick<IncomingMessage, "rawHeaders" | "socket">,
  { proxies, upgrade }: { readonly proxies: TrustProxy; readonly upgrade: boolean },
): string[] {
  const headers: string[] = [];
  const via: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    const value = rawHeaders[at + 1] ?? "";
    const known = name.toLowerCase();
    if (ownToConnection.has(known) && !(upgrade && isOfUpgrade(known))) continue;
    if (!toldByProxies.has(known)) headers.push(name, value);
    else if (proxies !== false) {
      if (known === "x-forwarded-for") via.push(value);
      else headers.push(name, value);
    }
  }
  // A client that is gone by now has no address any more.
  headers.push("x-forwarded-for", [...via, socket.remoteAddress ?? "0.0.0.0"].join(", "));
  return headers;
}

function isOfUpgrade(name: string): boolean {
  return name === "connection" || name === "upgrade";
}

/** Whom to believe behind a thread that forwards: it, and whom the settings name for those before it. */
export function trustForwarder(proxies: TrustProxy): (address: string, hop: number) => boolean {
  const isTrusted = trustOf(proxies);
  return (address, hop) => hop === 0 || isTrusted(address);
}

function trustOf(proxies: TrustProxy): (address: string) => boolean {
  if (typeof proxies === "boolean") return () => proxies;
  const list = new BlockList();
  for (const entry of typeof proxies === "string" ? proxies.split(",") : proxies)
    for (const range of namedRanges[entry.trim()] ?? [entry.trim()]) addRange(list, range);
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
  };
}

/** By RFC 1918, RFC 3927, RFC 4193 and RFC 4291. */
const namedRanges: { readonly [name: string]: readonly string[] } = {
  loopback: ["127.0.0.0/8", "::1/128"],
  linklocal: ["169.254.0.0/16", "fe80::/10"],
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

function addRange(list: BlockList, range: string): void {
  const [address = "", bits] = range.split("/");
  const type = isIP(address) === 4 ? "ipv4" : "ipv6";
  list.addSubnet(address, Number(bits ?? (type === "ipv4" ? 32 : 128)), type);
}
