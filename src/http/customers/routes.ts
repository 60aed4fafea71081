/** `POST /v1/customers/{id}/erase`. For operators. */
import type { Customers } from "../../services/personal/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import { customerParams, type EraseCustomer } from "./schemas.ts";

const schema = {
  operationId: "eraseCustomer",
  tags: ["Operations"],
  summary: "Erase the personal data of a customer",
  description:
    "Deletes the keys of the customer's personal data: every order that was placed before the request reads `erased`. Invoices and credit notes stay. Open orders refuse it. After 503, the same request goes on.",
  params: customerParams,
  body: ref<EraseCustomer>("EraseCustomer"),
  response: { 200: { ...ref("ErasedCustomer"), description: "The keys are deleted" } },
  problems: [...bodyProblems, "customer_not_found", "orders_open", "refused", ...serviceProblems],
} as const;

const config = { unknownParameter: "customer_not_found" } as const;

/** Adds the route. */
export function customerRoutes(app: HttpApp, customers: Customers): void {
  app.post(
    "/v1/customers/:id/erase",
    { config: { ...config, access: "customers:erase" }, schema },
    async (request, reply) => {
      const result = await customers.erase(request.params.id, request.body.reason);
      switch (result.status) {
        case "erased":
          return reply.code(200).send(result);
        case "orders_open":
          return sendProblem(reply, "orders_open", { orders: result.orders, total: result.total });
        case "not_found":
          return sendProblem(reply, "customer_not_found");
        default:
          return sendUnavailable(reply, result);
      }
    },
  );
}
