/** `POST /v1/orders/{id}/reveal`: an order without masks, for a caller that has said why. */
import type { Reveals } from "../../services/access/contract.ts";
import type { Orders } from "../../services/orders/contract.ts";
import { sendOrder } from "../orders/order-answers.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { orderParams, ref } from "../protocol/schema-parts.ts";
import type { RevealOrder } from "./keys-schemas.ts";

const UNTIL = "orderly-revealed-until";

const schema = {
  operationId: "revealOrder",
  tags: ["Orders"],
  summary: "See an order without masks",
  description:
    "For ten minutes the caller sees the personal data of this order, also on its other routes. Recorded, with the reason.",
  params: orderParams,
  body: ref<RevealOrder>("RevealOrder"),
  response: {
    200: {
      ...ref("Order"),
      description: "The order",
      headers: {
        etag: { type: "string", description: "Version of the order" },
        [UNTIL]: { type: "string", description: "Until when it is shown (RFC 3339)" },
      },
    },
  },
  problems: [...bodyProblems, "order_not_found", "refused", ...serviceProblems],
} as const;

/** What the route needs. */
export type RevealServices = { readonly orders: Pick<Orders, "get">; readonly reveals: Reveals };

/** Adds the route. */
export function revealRoute(app: HttpApp, { orders, reveals }: RevealServices): void {
  const config = { access: "orders:reveal", unknownParameter: "order_not_found" } as const;
  app.post("/v1/orders/:id/reveal", { schema, config }, async (request, reply) => {
    const { id } = request.params;
    const found = await orders.get(id);
    if (found.status === "not_found") return sendProblem(reply, "order_not_found");
    if (found.status !== "found") return sendUnavailable(reply, found);
    const revealed = await reveals.reveal(id, request.caller.id);
    if (revealed.status !== "revealed") return sendUnavailable(reply, revealed);
    return sendOrder(reply.header(UNTIL, revealed.until), 200, found.order);
  });
}
