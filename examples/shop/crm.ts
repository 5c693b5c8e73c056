/** A stand-in for a CRM: takes signed webhooks, checks them, and shows the last ones at `/shop/crm`. */
import { randomBytes } from "node:crypto";
import type { SiteContext } from "freshet";
import { Webhook } from "standardwebhooks";

/** Both sides live in this process, so a secret of this start is enough; yours comes from SHOP_CRM_SECRET. */
export const crmSecret =
  process.env["SHOP_CRM_SECRET"] ?? `whsec_${randomBytes(32).toString("base64")}`;

const keptMax = 50;

export function crmRoutes({ app }: SiteContext): void {
  const received = new Map<string, unknown>();
  app.post("/shop/crm", (request, reply) => {
    const body = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
    try {
      new Webhook(crmSecret).verify(body, request.headers as Record<string, string>);
    } catch {
      return reply.status(401).send({ error: { message: "the signature does not fit" } });
    }
    // Deliveries are at least once: the id is the same each time, so a repeated one changes nothing.
    received.set(String(request.headers["webhook-id"]), JSON.parse(body));
    for (const id of received.keys()) if (received.size > keptMax) received.delete(id);
    return reply.send({ success: true });
  });
  app.get("/shop/crm", () => ({ received: [...received.values()].reverse() }));
}
