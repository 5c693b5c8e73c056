import { inferLimits } from "./limits.ts";

/**
 * What of people's data a proposal may show. Values are shown only where they are no person's: of properties that do
 * not sound like one, each seen with several profiles. Names of properties are shown unless they are data themselves.
 */

/** Words of names whose values belong to somebody. */
const personalWords: ReadonlySet<string> = new Set([
  ...["id", "ids", "uid", "uuid", "guid", "key", "token", "secret", "password", "hash", "cookie"],
  ...["email", "mail", "phone", "mobile", "tel", "fax", "contact", "user", "customer", "person"],
  ...["name", "firstname", "lastname", "surname", "username", "nickname", "login", "handle"],
  ...["address", "street", "zip", "postal", "postcode", "ip", "lat", "lng", "lon", "latitude"],
  ...["longitude", "location", "birth", "birthday", "birthdate", "dob", "age", "gender", "sex"],
  ...["ssn", "iban", "bic", "card", "account", "passport", "licence", "license", "vat", "code"],
  ...["comment", "message", "note", "query", "search", "text", "session", "serial", "imei"],
]);

/** "firstName", "user_id" and "E-Mail" in words. */
function wordsOf(name: string): string[] {
  const split = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2");
  const words = split.toLowerCase().split(/[^a-z0-9]+/);
  // "E-Mail" is one word.
  return [...words, split.toLowerCase().replace(/[^a-z0-9]+/g, "")];
}

/** Whether the name of a property says that its values tell people apart, or are about one. */
export function isPersonalName(name: string): boolean {
  return wordsOf(name).some((word) => personalWords.has(word.replace(/\d+$/, "")));
}

/** Whether a name is data itself: an address, a number, a long mix of digits and letters. */
export function isDataName(name: string): boolean {
  return (
    name === "" ||
    /@|%40/.test(name) ||
    /\d{5}/.test(name) ||
    /^[-+.\d]+$/.test(name) ||
    /[0-9a-f]{8}-?[0-9a-f]{4}/i.test(name) ||
    (name.length >= 16 && /^(?=(?:\D*\d){4})[\w-]+$/.test(name)) ||
    name.length > shownNameMax
  );
}

const shownNameMax = 100;

/** Names that schemas do not take: assigned by such a key, an object changes what it is. */
export const isUnsafeName = (name: string): boolean => name.includes("__proto__");

export const isShared = (profiles: readonly number[]): boolean =>
  profiles.length >= inferLimits.profilesMin;
