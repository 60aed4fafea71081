/** The mailbox and the simulators of a local cluster, as the node reads them for a developer. */
import { Agent, request } from "undici";
import type { NodeSettings } from "../../config/settings.ts";
import type { DevSources } from "../../src/http/dev/dev-sources-port.ts";

const LIMIT_MS = 2_000;
/** Of one answer: a mailbox and the books of a gateway grow with every order. */
const ANSWER_BYTES = 8 * 1024 * 1024;

/** Reads what is at the addresses of the settings. */
export function devSources({
  carrierUrl,
  gatewayUrl,
  mailboxUrl,
}: Pick<NodeSettings, "carrierUrl" | "gatewayUrl" | "mailboxUrl">): DevSources {
  const dispatcher = new Agent({ maxResponseSize: ANSWER_BYTES });
  const read = (url: string) => async (): Promise<Buffer | undefined> => {
    try {
      const { body, statusCode } = await request(url, { dispatcher, signal: AbortSignal.timeout(LIMIT_MS) });
      const bytes = Buffer.from(await body.arrayBuffer());
      return statusCode === 200 ? bytes : undefined;
    } catch {
      // Silent, gone, or too much: for a developer there is no answer.
      return undefined;
    }
  };
  return {
    ...(mailboxUrl !== undefined && { mail: read(`${mailboxUrl}/messages`) }),
    ledger: read(`${gatewayUrl}/ledger`),
    parcels: read(`${carrierUrl}/shipments`),
  };
}
