import { isIP } from "node:net";
import { UsageError } from "./usage-error.ts";

export type TrustProxy = boolean | string | string[];

const ranges: readonly string[] = ["loopback", "linklocal", "uniquelocal"];

/** Looked at here, since the HTTP library finds a slip of the hand only after everything was opened. */
export function trustProxyOf(value: TrustProxy): TrustProxy {
  if (typeof value === "boolean") return value;
  const entries = (typeof value === "string" ? value.split(",") : value).map((entry) =>
    entry.trim(),
  );
  for (const entry of entries)
    if (!ranges.includes(entry) && !isRange(entry))
      throw new UsageError(
        `"trustProxy" has "${entry}", which is no address and no range`,
        `use addresses, ranges like 10.0.0.0/8, or ${ranges.join(", ")}`,
      );
  return entries;
}

function isRange(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) > 0 && Number(bits) <= (version === 4 ? 32 : 128);
}
