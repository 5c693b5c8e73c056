import {
  compatibilityLevels,
  globalScope,
  modes,
  type RegistryCommand,
} from "../../../src/core/registry/index.ts";
import type { Random } from "../../../src/testing/random.ts";

const subjects = ["a", "b", "c", "d"];
const words = ["x", "y", "z?", "w?", "@r", "@s", "!"];

/** Few subjects, fields and numbers, so that commands meet. */
export function randomCommand(random: Random): RegistryCommand {
  const subject = random.pick(subjects);
  const anySubject = random.chance(0.2) ? globalScope : subject;
  const roll = random.below(100);
  if (roll < 55) return { kind: "register", subject, request: randomRequest(random) };
  if (roll < 65) return { kind: "deleteSubject", subject, isPermanent: random.chance(0.5) };
  if (roll < 80) {
    const version = random.chance(0.3) ? ("latest" as const) : 1 + random.below(5);
    return { kind: "deleteVersion", subject, version, isPermanent: random.chance(0.5) };
  }
  if (roll < 87) {
    const compatibilityLevel = random.pick(compatibilityLevels);
    return { kind: "setConfig", subject: anySubject, config: { compatibilityLevel } };
  }
  if (roll < 90) return { kind: "deleteConfig", subject: anySubject };
  if (roll < 94) {
    // Back to where most commands work, more often than not.
    const mode = random.chance(0.6) ? "READWRITE" : random.pick(modes);
    return { kind: "setMode", subject: anySubject, mode, isForced: random.chance(0.5) };
  }
  return { kind: "deleteMode", subject: anySubject };
}

function randomRequest(random: Random): (RegistryCommand & { kind: "register" })["request"] {
  const count = 1 + random.below(3);
  const isReferring = random.chance(0.4);
  const chosen = Array.from({ length: count }, () => random.pick(words.slice(0, 4)));
  const names = ["r", "s"].filter(() => isReferring && random.chance(0.6));
  const blank = random.chance(0.2) ? "  " : " ";
  const wrong = random.chance(0.03) ? ["!"] : [];
  return {
    schema: [...chosen, ...names.map((name) => `@${name}`), ...wrong].join(blank),
    schemaType: "AVRO",
    references: names.map((name) => ({
      name,
      subject: random.pick(subjects),
      version: random.chance(0.4) ? -1 : 1 + random.below(3),
    })),
    normalize: random.chance(0.2),
    ...(random.chance(0.15) ? { id: 1 + random.below(12) } : {}),
    ...(random.chance(0.1) ? { version: 1 + random.below(5) } : {}),
  };
}
