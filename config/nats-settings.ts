/** Settings of every process that logs in to NATS: where the servers are, and who this process is for them. */
import { resolve } from "node:path";
import { Type } from "typebox";
import { from, optionalFrom } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";

const file = Type.String();

/** The fields; part of those of each process. */
export const natsFields = {
  natsUrl: from("NATS_URL", Type.String({ ...schemas.natsUrl, default: "nats://127.0.0.1:4222" })),
  natsSeedFile: optionalFrom("ORDERLY_NATS_NKEY_SEED_FILE", file),
  natsCredsFile: optionalFrom("ORDERLY_NATS_CREDS_FILE", file),
  natsCaFile: optionalFrom("ORDERLY_NATS_TLS_CA_FILE", file),
  natsCertFile: optionalFrom("ORDERLY_NATS_TLS_CERT_FILE", file),
  natsKeyFile: optionalFrom("ORDERLY_NATS_TLS_KEY_FILE", file),
};

/** Where the servers are, and with what a process logs in. Paths of files; absent: without. */
export type NatsLogin = {
  /** One address, or several separated by commas. */
  readonly natsUrl: string;
  /** The seed of an nkey, (`SU...`); or credentials with a JWT. */
  readonly natsSeedFile?: string | undefined;
  readonly natsCredsFile?: string | undefined;
  /** The authority that signed the servers' certificates; with it, or with an address `tls://`, TLS is required. */
  readonly natsCaFile?: string | undefined;
  /** The certificate that this process shows, and its key. */
  readonly natsCertFile?: string | undefined;
  readonly natsKeyFile?: string | undefined;
};

/** Faults that no single field has. */
export function natsFaults(login: NatsLogin): string[] {
  return [
    ...userFaults(login.natsUrl),
    ...(login.natsSeedFile !== undefined && login.natsCredsFile !== undefined
      ? ["ORDERLY_NATS_NKEY_SEED_FILE and ORDERLY_NATS_CREDS_FILE are both set: choose one"]
      : []),
    ...((login.natsCertFile === undefined) === (login.natsKeyFile === undefined)
      ? []
      : ["ORDERLY_NATS_TLS_CERT_FILE and ORDERLY_NATS_TLS_KEY_FILE go together: set both or none"]),
  ];
}

/** Faults of a cluster on a NATS that already runs. @param natsServers number of servers to start */
export const foreignNatsFaults = (natsUrl: string, natsServers: string): string[] => [
  ...userFaults(natsUrl),
  ...(natsServers === "1" ? [] : ["ORDERLY_NATS_SERVERS and NATS_URL are both set: choose one"]),
];

/** Addresses are shown in logs and lists of processes; the client would ignore what is before the `@`. */
function userFaults(natsUrl: string): string[] {
  if (!natsUrl.includes("@")) return [];
  return [
    "NATS_URL holds a user or a password, which addresses must not: put the seed of the user's nkey into a file, " +
      "name it in ORDERLY_NATS_NKEY_SEED_FILE, and leave out what is before the @",
  ];
}

/** The variables of a login, for a child process. Files by their absolute paths. */
export function loginVariables(login: Omit<NatsLogin, "natsUrl">): Readonly<Record<string, string>> {
  const files = {
    ORDERLY_NATS_NKEY_SEED_FILE: login.natsSeedFile,
    ORDERLY_NATS_CREDS_FILE: login.natsCredsFile,
    ORDERLY_NATS_TLS_CA_FILE: login.natsCaFile,
    ORDERLY_NATS_TLS_CERT_FILE: login.natsCertFile,
    ORDERLY_NATS_TLS_KEY_FILE: login.natsKeyFile,
  };
  return Object.fromEntries(
    Object.entries(files).flatMap(([name, path]) => (path === undefined ? [] : [[name, resolve(path)]])),
  );
}
