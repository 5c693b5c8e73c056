import { defineConfig, type HookDelivery } from "freshet";

export default defineConfig({
  plan: "./crm.plan.ts",
  hooks: {
    // snippet: rules
    stripe: {
      secret: process.env["STRIPE_SECRET"] ?? "whsec_made_up",
      signature: "stripe",
      map: [
        {
          when: [{ value: { at: "/type" }, is: "checkout.session.completed" }],
          event: "Order Completed",
          userId: { at: "/data/object/client_reference_id" },
          timestamp: { at: "/created", as: "seconds" },
          properties: {
            order_id: { at: "/data/object/id" },
            total: { at: "/data/object/amount_total", divide: 100 },
            currency: { at: "/data/object/currency", as: "upper" },
          },
        },
        {
          when: [{ value: { at: "/type" }, is: "checkout.session.completed" }],
          each: "/data/object/metadata/products",
          event: "Product Viewed",
          userId: { at: "/data/object/client_reference_id" },
          properties: { product_id: { item: "/sku" } },
        },
      ],
    },
    // end snippet
    // snippet: function
    tickets: {
      secret: process.env["TICKETS_SECRET"] ?? "made up",
      signature: {
        header: "X-Tickets-Signature",
        algorithm: "sha256",
        encoding: "hex",
        prefix: "v0=",
        timestampHeader: "X-Tickets-Timestamp",
        signed: "v0:{timestamp}:{body}",
      },
      id: { at: "/delivery" },
      map({ body }: HookDelivery) {
        const { ticket } = body as { ticket: { customer: string; state: string } };
        if (ticket.state !== "open") return [];
        return [{ event_type: "Ticket Opened", user_id: ticket.customer, metadata: ticket }];
      },
    },
    // end snippet
  },
});
