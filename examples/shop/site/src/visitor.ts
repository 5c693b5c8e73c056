import { type Cell, storedCell } from "./cell.ts";
import { fields, text } from "./json.ts";

/** Somebody to sign in as. Names are traits: they are told to us, never computed. */
export interface Persona {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly plan: "plus" | "standard";
  readonly about: string;
}

const persona = (userId: string, name: string, plan: Persona["plan"], about: string): Persona => ({
  userId,
  name,
  email: `${userId}@example.com`,
  plan,
  about,
});

export const personas: readonly Persona[] = [
  persona("ana", "Ana Lindqvist", "plus", "Collects ceramics, buys often"),
  persona("ben", "Ben Okafor", "standard", "Furnishing a first flat"),
  persona("chiara", "Chiara Rossi", "plus", "Mostly gifts, mostly paper"),
  persona("dara", "Dara Nguyen", "standard", "Looks a lot, rarely buys"),
];

/** A typed name becomes a user id that is the same each time it is typed. */
export function personaNamed(name: string): Persona | undefined {
  const clean = name.trim().slice(0, 60);
  const userId = clean
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return userId === "" ? undefined : persona(userId, clean, "standard", "");
}

/** Who is signed in; remembered here too, so that the greeting stands while the server is away. */
export const visitor: Cell<Persona | undefined> = storedCell<Persona | undefined>(
  "weir.visitor",
  undefined,
  (raw) => {
    const row = fields(raw);
    const plan = row.plan === "plus" ? "plus" : "standard";
    const userId = text(row.userId);
    return userId === "" ? undefined : { ...persona(userId, text(row.name, userId), plan, "") };
  },
);

export const firstName = (who: Persona): string => who.name.split(" ")[0] ?? who.name;
