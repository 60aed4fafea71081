/**
 * A proxy between the gateway and the shop: it accepts every message of the gateway, and the test decides when a node
 * gets it.
 * Owns: the messages, as they were signed.
 */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Lifetime } from "../cluster/lifetime.ts";
import { waitUntil } from "../wait-until.ts";

export type HeldMessage = {
  /** Hands it to a node as the gateway wrote it, any number of times. @returns the status of the answer */
  handTo(nodeUrl: string): Promise<number>;
};

export type HeldWebhooks = {
  /** The address that the gateway uses as the shop's (ORDERLY_WEBHOOK_URL). */
  readonly url: string;
  /** The gateway's message about an order, once it is there. */
  about(orderId: string, type: "payment.paid" | "payment.declined"): Promise<HeldMessage>;
};

const SIGNED = ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"] as const;

export async function holdWebhooks(t: Lifetime): Promise<HeldWebhooks> {
  const held: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      held.push({ headers: request.headers, body });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async about(orderId, type) {
      const message = await waitUntil(`the gateway reports ${type} of ${orderId}`, () =>
        held.find(({ body }) => body.includes(`"${orderId}"`) && body.includes(`"${type}"`)),
      );
      const headers = Object.fromEntries(SIGNED.map((name) => [name, String(message.headers[name])]));
      return {
        handTo: async (nodeUrl) => {
          const answer = await fetch(`${nodeUrl}/v1/webhooks/payments`, {
            method: "POST",
            headers,
            body: message.body,
          });
          await answer.arrayBuffer();
          return answer.status;
        },
      };
    },
  };
}
