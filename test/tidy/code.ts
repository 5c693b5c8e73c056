import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

export const root = join(import.meta.dirname, "..", "..");

export interface SourceFile {
  /** From the project's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** What is made, fetched or not ours. */
const left = new Set(["node_modules", "dist", ".git", ".freshet", ".cache", "coverage"]);
const binary = /\.(png|jpe?g|gif|ico|woff2?|gz|tsbuildinfo)$/;

/** Every text file of the project. Walks the folder, so that it works without git too. */
export function projectFiles(): SourceFile[] {
  const found: SourceFile[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (left.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile() && !binary.test(entry.name))
        found.push({ path: relative(root, path), text: readFileSync(path, "utf8") });
    }
  };
  visit(root);
  return found;
}

/** Something that should not be there: `path:line: what`. */
export type Finding = string;

/** Lines of a text on which `pattern` is found, as findings. */
export function findLines({ path, text }: SourceFile, pattern: RegExp, what: string): Finding[] {
  return text
    .split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${what}`] : []));
}

/** The code alone: comments, and what stands inside texts, become spaces; lines stay where they are. */
export function codeOf(text: string): string {
  return blank(text, { texts: true });
}

/** The code with its texts: only comments become spaces. */
export function withoutComments(text: string): string {
  return blank(text, { texts: false });
}

/** A comment, a text of any quotes, or a regular expression where one may begin. */
const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=(?:^|[=(,:;!&|?{}[\n>]|return)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;

function blank(text: string, { texts }: { readonly texts: boolean }): string {
  return text.replace(token, (found) => {
    if (found.startsWith("//") || found.startsWith("/*")) return found.replace(/[^\n]/g, " ");
    if (!texts) return found;
    if (found.startsWith("`")) return keepHoles(found);
    return found.replace(/[^\n]/g, " ");
  });
}

/** Code inside `${ }` counts as code. */
function keepHoles(template: string): string {
  return template.replace(/\$\{([^}]*)\}|[^\n]/g, (_found, hole: string | undefined) =>
    hole === undefined ? " " : `  ${hole} `,
  );
}

/** What a file imports or exports from, types included. */
export function importsOf(text: string): { readonly specifier: string; readonly line: number }[] {
  const code = withoutComments(text);
  const form = /\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g;
  return [...code.matchAll(form)].map((found) => ({
    specifier: found[1] ?? "",
    line: code.slice(0, found.index).split("\n").length,
  }));
}
