/**
 * A proxy between the shop and the gateway: it forwards every call, and holds the answer about a new payment page until
 * the test releases it. The gateway has made the page, and the shop does not know it yet.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Lifetime } from "../cluster/lifetime.ts";
import { waitUntil } from "../wait-until.ts";

export type HeldPages = {
  /** The address that the nodes use as the gateway's (ORDERLY_GATEWAY_URL). */
  readonly url: string;
  /** Sets the gateway's address; before the first call. */
  leadTo(gatewayUrl: string): void;
  /** From now on answers about new pages wait. */
  hold(): void;
  /** The page that was made for an order, once the gateway has made it. */
  of(orderId: string): Promise<string>;
  /** Answers the waiting ones, and all later ones at once. */
  release(): void;
};

export async function holdPages(t: Lifetime): Promise<HeldPages> {
  const pages = new Map<string, string>();
  let gateway = "";
  let released = Promise.withResolvers<void>();
  released.resolve();
  const handOn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "GET", url = "/" } = request;
    const body = await bodyOf(request);
    try {
      const answer = await fetch(gateway + url, {
        method,
        headers: {
          "content-type": "application/json",
          "idempotency-key": String(request.headers["idempotency-key"] ?? "none"),
        },
        ...(body === "" ? {} : { body }),
      });
      const text = await answer.text();
      if (method === "POST" && url === "/payments/pages") {
        const page = (JSON.parse(text) as { url: string }).url;
        pages.set((JSON.parse(body) as { orderId: string }).orderId, page);
        await released.promise;
      }
      response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
    } catch {
      // A killed gateway ends connections in the same manner.
      response.destroy();
    }
  };
  const server = createServer((request, response) => void handOn(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    released.resolve();
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (gatewayUrl) => (gateway = gatewayUrl),
    hold: () => (released = Promise.withResolvers<void>()),
    of: (orderId) => waitUntil(`the gateway has a page for ${orderId}`, () => pages.get(orderId)),
    release: () => released.resolve(),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  request.setEncoding("utf8");
  for await (const text of request) body += String(text);
  return body;
}
