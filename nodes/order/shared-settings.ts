/** The settings of an order node that must be equal on all nodes, in the form in which the nodes compare them. */
import { scrypt } from "node:crypto";
import { promisify } from "node:util";
import { hideCredentials } from "../../config/redaction.ts";
import type { NodeSettings } from "../../config/settings.ts";
import type { SharedSettings } from "../../src/runtime/cluster/shared-settings.ts";

const derive = promisify<string, string, number, Buffer>(scrypt);
const DIGEST_BYTES = 16;

/**
 * Everything that config/settings.ts marks "Equal on all nodes", by variable. Secrets, and addresses with a password,
 * are compared by a digest of scrypt with the cluster's salt: each guess at a secret costs tens of milliseconds.
 * @param personalKeys what the file `settings.personalKeyFile` holds
 */
export function sharedSettings(settings: NodeSettings, personalKeys: string): SharedSettings {
  const { fulfillment, hostedPayment, seller } = settings;
  const urls = { ORDERLY_GATEWAY_URL: settings.gatewayUrl, ORDERLY_CARRIER_URL: settings.carrierUrl };
  const secrets = {
    ORDERLY_IDEMPOTENCY_SECRET: settings.idempotencySecret,
    ORDERLY_WEBHOOK_SECRET: settings.webhookSecret,
    ORDERLY_CARRIER_WEBHOOK_SECRET: settings.carrierWebhookSecret,
    ORDERLY_PERSONAL_KEY_FILE: personalKeys,
    ...Object.fromEntries(Object.entries(urls).filter(([, url]) => hideCredentials(url) !== url)),
  };
  return {
    values: {
      ORDERLY_PARTITIONS: String(settings.partitions),
      ORDERLY_STREAMS: String(settings.streams),
      ORDERLY_REPLICAS: String(settings.replicas),
      ORDERLY_INVENTORY_SHARDS: String(settings.inventoryShards),
      ORDERLY_FULFILLMENT: fulfillment.mode,
      ORDERLY_STEP_DELAY_MS: String(fulfillment.stepDelayMs),
      ORDERLY_INTERNAL_EVENTS: String(settings.internalEvents),
      ORDERLY_PAYMENT_DEADLINE_MS: String(hostedPayment.deadlineMs),
      ORDERLY_PAYMENT_POLL_MS: String(hostedPayment.pollMs),
      ORDERLY_PAYMENT_POLL_MAX_MS: String(hostedPayment.pollMaxMs),
      ORDERLY_AUTH: settings.auth,
      ORDERLY_TAX_BASIS_POINTS: String(settings.taxBasisPoints),
      ORDERLY_PRESENCE_TTL_MS: String(settings.presenceTtlMs),
      ORDERLY_PRESENCE_REFRESH_MS: String(settings.presenceRefreshMs),
      ORDERLY_GATEWAY_URL: hideCredentials(urls.ORDERLY_GATEWAY_URL),
      ORDERLY_CARRIER_URL: hideCredentials(urls.ORDERLY_CARRIER_URL),
      // A node that makes no invoices needs no seller (config/seller-settings.ts).
      ...(settings.workers.includes("invoice")
        ? {
            ORDERLY_SELLER_NAME: seller.name,
            ORDERLY_SELLER_ADDRESS: seller.address.join("|"),
            ORDERLY_SELLER_TAX_ID: seller.taxId,
          }
        : {}),
    },
    digests: async (salt) =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(secrets).map(async ([name, secret]) => {
            // With the name: of two settings with one value, no reader learns that they are equal.
            const digest = await derive(secret, `${name} ${salt}`, DIGEST_BYTES);
            return [name, digest.toString("hex")] as const;
          }),
        ),
      ),
    replaces: settings.settingsChange,
  };
}
