/** Names of what outgoing webhooks store. They are formats. */

/** KV bucket of the endpoints and of how far each has come: `endpoint.<id>`, `position.<id>`. */
export const WEBHOOK_ENDPOINTS = "WEBHOOK_ENDPOINTS";
/** KV bucket of the deliveries: `<endpoint>.<event>`, the latter as a subject token. */
export const WEBHOOK_DELIVERIES = "WEBHOOK_DELIVERIES";
/** Deliveries are deleted after this time, ms. */
export const DELIVERIES_AGE_MS = 30 * 24 * 3_600_000;
/** Entry of `PERSONAL_KEYS` whose key seals the secrets of endpoints. */
export const WEBHOOKS_KEY = "webhooks";
