import { readFileSync } from "node:fs";

/** What of the first line of the command this process was started without: whoever runs it with `node` has none of it. */
export function missingFlags(given: readonly string[]): readonly string[] {
  const [firstLine = ""] = readFileSync(new URL("./main.js", import.meta.url), "utf8").split("\n");
  const names = new Set(given.map(nameOf));
  return firstLine.split(" ").filter((word) => word.startsWith("--") && !names.has(nameOf(word)));
}

/** Another value was chosen by somebody. `--no-x` is about `--x`, and V8 takes underscores as well. */
function nameOf(flag: string): string {
  const [name = ""] = flag.replaceAll("_", "-").split("=");
  return name.replace(/^--no-/, "--");
}
