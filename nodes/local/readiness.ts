/** Waits until nats-server and the order nodes can be used. */
import { connect } from "node:net";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { type MaxWait, withMaxWait } from "./max-wait.ts";

const ASK_TIMEOUT_MS = 2_000;

/** Resolves when a nats-server greets on the port. @throws Error after the bound */
export function natsGreets(port: number, maxWait: MaxWait): Promise<void> {
  return withMaxWait(() => greeting(port), maxWait);
}

/** Resolves when JetStream answers: a cluster has elected its leader. @throws Error after the bound */
export function jetStreamAnswers(servers: readonly string[], maxWait: MaxWait): Promise<void> {
  return withMaxWait(async () => {
    const link = await connectNats({ servers, name: "readiness", connectTimeoutMs: ASK_TIMEOUT_MS });
    await link.close();
    return true;
  }, maxWait);
}

/** Resolves when `GET /health/ready` answers 200. @throws Error with the node's last answer after the bound */
export function nodeIsReady(url: string, maxWait: MaxWait): Promise<void> {
  return withMaxWait(() => readiness(url), maxWait);
}

function greeting(port: number): Promise<true | string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: ASK_TIMEOUT_MS });
    const answer = (value: true | string) => {
      socket.destroy();
      resolve(value);
    };
    socket
      .once("data", (data) =>
        answer(data.toString().startsWith("INFO ") || `port ${port} is not a nats-server`),
      )
      .once("timeout", () => answer(`port ${port} does not answer`))
      .once("error", (error) => answer(error.message));
  });
}

async function readiness(url: string): Promise<true | string> {
  const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  if (response.status === 200) {
    await response.body?.cancel();
    return true;
  }
  return `${url}/health/ready answers ${response.status}: ${(await response.text()).slice(0, 300)}`;
}
