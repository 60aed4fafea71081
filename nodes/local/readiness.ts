/** Waits until nats-server and the order nodes can be used. */
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { greeting } from "./greeting.ts";
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

async function readiness(url: string): Promise<true | string> {
  const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  if (response.status === 200) {
    await response.body?.cancel();
    return true;
  }
  return `${url}/health/ready answers ${response.status}: ${(await response.text()).slice(0, 300)}`;
}
