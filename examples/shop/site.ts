import { existsSync, readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import type { SiteContext } from "freshet";
import { crmRoutes } from "./crm.ts";
import { startTraffic } from "./traffic.ts";

/** The bundled pages. Commands of the workspace run in its root, and a copy of this folder in its own. */
const folders = [join("examples", "shop", "dist", "site"), join("dist", "site")];

const contentTypes: { readonly [extension: string]: string } = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".map": "application/json; charset=utf-8",
};

/** The shop's own small back end: its pages, and tokens for the profile of whoever looks at them. */
export function shopSite(site: SiteContext): void {
  const { app } = site;
  const sdk = process.env["SHOP_SDK"] === "freshet" ? "freshet" : "segment";
  app.get("/shop/session", () => ({ writeKey: site.writeKey, sdk }));
  app.get("/shop/ledger", () => site.ledger());
  // A real shop asks its own session who this is. This one believes the page, which is why it is an example.
  app.post("/shop/token", async (request, reply) => {
    const profileId = profileOf(request.body);
    if (profileId === null)
      return reply.status(400).send({ error: { message: "send { anonymousId } or { userId }" } });
    return { profileId, ...(await site.mintToken(profileId)) };
  });
  app.get("/", (_request, reply) => sendFile(reply, "index.html"));
  app.get("/:file", (request, reply) =>
    sendFile(reply, (request.params as { readonly file: string }).file),
  );
  crmRoutes(site);
  site.onListening(() => startTraffic({ url: site.url(), writeKey: site.writeKey }));
}

function profileOf(body: unknown): string | null {
  const value = Buffer.isBuffer(body) ? parse(body.toString("utf8")) : body;
  const { userId, anonymousId } = (value ?? {}) as { userId?: unknown; anonymousId?: unknown };
  if (typeof userId === "string" && userId !== "") return `user:${userId}`;
  return typeof anonymousId === "string" && anonymousId !== "" ? `anon:${anonymousId}` : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

interface Reply {
  status(code: number): Reply;
  type(contentType: string): Reply;
  header(name: string, value: string): Reply;
  send(body: unknown): unknown;
}

function sendFile(reply: Reply, path: string) {
  const clean = normalize(path);
  const type = contentTypes[extname(clean)];
  if (clean.startsWith("..") || type === undefined)
    return reply.status(404).send({ error: { message: "no such page" } });
  for (const folder of folders) {
    const file = join(folder, clean);
    if (existsSync(file))
      return reply.type(type).header("cache-control", "no-cache").send(readFileSync(file));
  }
  return reply.status(404).send({ error: { message: `no page "${clean}": run npm run build` } });
}
