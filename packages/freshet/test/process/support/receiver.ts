import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { Random } from "../../../src/testing/random.ts";

/** One delivery whose signature was right. */
export interface Delivery {
  readonly id: string;
  readonly rule: string;
  readonly profileId: string;
  readonly cause: string;
}

export interface Receiver {
  /** For the server: where to send, and how to sign. */
  readonly environment: Readonly<Record<string, string>>;
  readonly deliveries: readonly Delivery[];
  /** Deliveries that did not come from who has the secret, or made no sense. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

export interface ReceiverOptions {
  readonly random: Random;
  /** Of deliveries that are taken and answered 503 all the same: the sender has to send them again. */
  readonly failureShare: number;
}

/** The destination `crm` of the shop, outside its process. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const secret = `whsec_${randomBytes(32).toString("base64")}`;
  const webhook = new Webhook(secret);
  const deliveries: Delivery[] = [];
  const refused: string[] = [];
  const take = (text: string, headers: Record<string, string>): number => {
    try {
      webhook.verify(text, headers);
      const { data } = JSON.parse(text) as { data: Delivery & { effectId: string } };
      const { effectId: id, rule, profileId, cause } = data;
      if (headers["webhook-id"] !== id) throw new Error("header and body name different ids");
      deliveries.push({ id, rule, profileId, cause });
    } catch (error) {
      refused.push(`${String(error)}: ${text.slice(0, 200)}`);
      return 401;
    }
    return options.random.chance(options.failureShare) ? 503 : 200;
  };
  const server = createServer(async (request, response) => {
    let text = "";
    try {
      for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
    } catch {
      // The sender was killed in the middle of it.
      return;
    }
    response.writeHead(take(text, request.headers as Record<string, string>)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    environment: { SHOP_CRM_URL: `http://127.0.0.1:${port}/crm`, SHOP_CRM_SECRET: secret },
    deliveries,
    refused,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
