/** API keys and the session as HTTP shows them. */
import { type Static, Type } from "typebox";
import { permissions, roles } from "../../services/access/contract.ts";
import { closed, nullable, oneOf, text, time } from "../protocol/schema-parts.ts";

const id = Type.String({
  pattern: "^[0-9A-Za-z]{10}$",
  description: "Id of the key",
  examples: ["k4Yx0aZq81"],
});
const name = text(100, "Which program or person uses it");
const held = Type.Array(oneOf(roles), { minItems: 1, maxItems: roles.length });

/** The path of one key. */
export const keyParams = Type.Object({ id });

const shown = {
  id,
  name: Type.String(),
  roles: Type.Array(oneOf(roles)),
  customerId: nullable(Type.String({ description: "Whose orders the role `customer` reaches" })),
  createdAt: time,
  createdBy: Type.String({ description: "Id of the key that made it, or `command line`" }),
  expiresAt: nullable(time),
  revokedAt: nullable(time),
};

/** A key without its text. */
export const ApiKeySchema = Type.Object(shown, { $id: "ApiKey", title: "ApiKey" });

/** A new key, with its text. */
export const NewApiKey = Type.Object(
  { ...shown, key: Type.String({ description: "The key itself; it is not shown again" }) },
  { $id: "NewApiKey", title: "NewApiKey" },
);

/** All keys. */
export const ApiKeyList = Type.Object(
  { items: Type.Array(Type.Object(shown)) },
  { $id: "ApiKeyList", title: "ApiKeyList" },
);

/** A key to be made. */
export const CreateApiKey = closed(
  {
    name,
    roles: held,
    customerId: Type.Optional(text(200, "Needed for the role `customer`: whose orders the key reaches")),
    expiresAt: Type.Optional(
      Type.String({ format: "date-time", description: "Absent: it is valid until it is revoked" }),
    ),
  },
  { $id: "CreateApiKey", examples: [{ name: "web shop", roles: ["channel"] }] },
);
export type CreateApiKey = Static<typeof CreateApiKey>;

/** Why a caller has to see an order without masks. */
export const RevealOrder = closed(
  { reason: text(500, "Why; recorded in the audit log. Without personal data") },
  { $id: "RevealOrder", examples: [{ reason: "The parcel came back: the address is checked" }] },
);
export type RevealOrder = Static<typeof RevealOrder>;

/** A key that a browser keeps. */
export const SignIn = closed(
  { key: Type.String({ minLength: 1, maxLength: 200, description: "An API key" }) },
  { $id: "SignIn", examples: [{ key: "ok_k4Yx0aZq81_0123456789abcdefghijABCDEFGHIJ01_0a1b2c3" }] },
);
export type SignIn = Static<typeof SignIn>;

/** Who the caller is, and what it may do. */
export const SessionSchema = Type.Object(
  {
    name: Type.String({ examples: ["web shop"] }),
    roles: Type.Array(oneOf(roles)),
    permissions: Type.Array(oneOf(Object.keys(permissions))),
    readOnly: Type.Boolean({ description: "The caller may change nothing" }),
    environment: oneOf(["development", "production"]),
    personalData: oneOf(["masked", "shown"], "Whether the caller sees the persons of orders"),
    authentication: oneOf(["off", "keys"], "`off`: every caller is `admin`"),
  },
  { $id: "Session", title: "Session" },
);
