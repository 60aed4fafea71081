/** How the processes connect to NATS: each as the user of its role. */
import type { NatsLogin } from "../config/nats-settings.ts";
import type { NatsSettings } from "../src/adapters/nats/connection.ts";
import { inboxPrefixOf, type Role } from "../src/adapters/nats/roles.ts";

/** What `connectNats` needs. @param name of the connection, for the server's monitoring */
export function natsSettings(
  login: NatsLogin,
  role: Role,
  name: string,
  connectTimeoutMs: number,
): NatsSettings {
  const { natsCaFile, natsCertFile, natsCredsFile, natsKeyFile, natsSeedFile, natsUrl } = login;
  const hasTls = natsCaFile !== undefined || natsCertFile !== undefined;
  return {
    servers: natsUrl.split(","),
    name,
    connectTimeoutMs,
    inboxPrefix: inboxPrefixOf(role),
    ...(natsSeedFile === undefined ? {} : { seedFile: natsSeedFile }),
    ...(natsCredsFile === undefined ? {} : { credentialsFile: natsCredsFile }),
    ...(hasTls
      ? {
          tls: {
            ...(natsCaFile === undefined ? {} : { caFile: natsCaFile }),
            ...(natsCertFile === undefined ? {} : { certFile: natsCertFile }),
            ...(natsKeyFile === undefined ? {} : { keyFile: natsKeyFile }),
          },
        }
      : {}),
  };
}
