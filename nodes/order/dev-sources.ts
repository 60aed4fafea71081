/** The mailbox and the simulators of a local cluster, as the node reads them for a developer. */
import { Agent, request } from "undici";
import { launcherDrills } from "./launcher-drills.ts";
import type { NodeSettings } from "../../config/settings.ts";
import type { DevSources } from "../../src/http/dev/dev-sources-port.ts";

const LIMIT_MS = 2_000;
/** Of one answer: a mailbox and the books of a gateway grow with every order. */
const ANSWER_BYTES = 8 * 1024 * 1024;

type RequestOptions = Parameters<typeof request>[1];

/** Reads what is at the addresses of the settings. */
export function devSources({
  carrierUrl,
  gatewayUrl,
  mailboxUrl,
}: Pick<NodeSettings, "carrierUrl" | "gatewayUrl" | "mailboxUrl">): DevSources {
  const dispatcher = new Agent({ maxResponseSize: ANSWER_BYTES });
  const ask = async (url: string, options: { method?: "POST"; headers?: object; body?: string } = {}) => {
    try {
      const signal = AbortSignal.timeout(LIMIT_MS);
      const { body, statusCode } = await request(url, { dispatcher, signal, ...options } as RequestOptions);
      const bytes = Buffer.from(await body.arrayBuffer());
      return statusCode === 200 ? bytes : undefined;
    } catch {
      // Silent, gone, or too much: for a developer there is no answer.
      return undefined;
    }
  };
  const read = (url: string) => (): Promise<Buffer | undefined> => ask(url);
  const drill = launcherDrills();
  return {
    ...(mailboxUrl !== undefined && { mail: read(`${mailboxUrl}/messages`) }),
    ledger: read(`${gatewayUrl}/ledger`),
    parcels: read(`${carrierUrl}/shipments`),
    faults: (wanted) =>
      ask(`${gatewayUrl}/faults`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(wanted),
      }),
    ...(drill && { drill }),
  };
}
