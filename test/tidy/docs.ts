import { withoutComments } from "./code.ts";

/** Text outside of code, where links are links. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
}

/** Links and images that lead into this repository. */
export function linksOf(text: string): string[] {
  const links = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? "");
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

/** Anchors of a page's headings, as web sites that show Markdown make them. */
export function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    (heading ?? "")
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replace(/ /g, "-"),
  );
}

/** Paths of this repository in code marks. A pattern such as `<name>` is none. */
export function pathsIn(text: string): string[] {
  const form = /`((?:packages|examples|scripts|bench|test|docs|\.ci)\/[\w./-]+)`/g;
  return [...text.matchAll(form)].map(([, path]) => path ?? "");
}

/** Scripts that a page tells people to run. */
export function scriptsIn(text: string): string[] {
  const form = /\bnpm (?:run (?:-s )?([\w:-]+)|(start|test)\b)/g;
  return [...text.matchAll(form)].map(([, run, own]) => run ?? own ?? "");
}

/** The texts of a union type. */
export function namesOfUnion(text: string, type: string): string[] {
  const declaration =
    new RegExp(`export type ${type} =([^;]*);`).exec(withoutComments(text))?.[1] ?? "";
  return [...declaration.matchAll(/"(\w+)"/g)].map(([, name]) => name ?? "");
}
