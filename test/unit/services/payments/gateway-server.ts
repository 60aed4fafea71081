import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Test } from "tap";

/** A request as the server got it. */
export type Seen = {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly body: unknown;
};

/** An answer, or a fault of the connection instead. */
export type Reply =
  | { readonly status: number; readonly body: unknown }
  | { readonly raw: string }
  | "drop"
  | "never";

/** A gateway on a free port that answers as the test decides and records its requests. Stopped with the test. */
export async function startGateway(
  t: Test,
  reply: (seen: Seen) => Reply,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const key = request.headers["idempotency-key"];
    const one: Seen = {
      method: request.method ?? "",
      path: request.url ?? "",
      key: typeof key === "string" ? key : undefined,
      body: await bodyOf(request),
    };
    seen.push(one);
    const chosen = reply(one);
    if (chosen === "never") return;
    if (chosen === "drop") {
      request.socket.destroy();
      return;
    }
    response.statusCode = "raw" in chosen ? 200 : chosen.status;
    response.setHeader("content-type", "application/json");
    response.end("raw" in chosen ? chosen.raw : JSON.stringify(chosen.body));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => stop(server));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** A port without a listener. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await stop(server);
  return port;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? undefined : JSON.parse(text);
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
