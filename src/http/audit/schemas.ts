/** Schemas of the audit log. */
import { Type } from "typebox";
import { httpLimits } from "../protocol/limits.ts";
import { nullable, oneOf, text, time } from "../protocol/schema-parts.ts";

/** Query of `GET /v1/audit`. */
export const auditQuery = Type.Object(
  {
    actor: Type.Optional(text(100, "Id of the caller: of its key, or `command line`")),
    target: Type.Optional(text(255, "An id that the call was about: of an order, a SKU, a key")),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: httpLimits.page.max,
        description: `Items on the page; ${httpLimits.page.default} when absent`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({ pattern: "^[A-Za-z0-9_-]{1,128}$", description: "`nextCursor` of the page before" }),
    ),
  },
  { additionalProperties: false },
);

/** One page of the audit log. */
export const AuditPage = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        sequence: Type.Integer({ description: "Position in the log" }),
        at: time,
        writer: Type.String({ description: "Node that has written it, or `command-line`" }),
        requestId: Type.String({ description: "Both entries of one call have the same" }),
        phase: oneOf(
          ["asked", "answered"],
          "`asked`: stored before the call was done. Without `answered`, the node died: the target says what was done",
        ),
        actor: Type.String({ examples: ["k4Yx0aZq81"] }),
        via: Type.String({ examples: ["key"] }),
        roles: Type.Array(Type.String()),
        address: nullable(Type.String({ description: "Network address of the caller" })),
        route: Type.String({ examples: ["POST /v1/orders/:id/cancel"] }),
        target: nullable(Type.String({ description: "Ids of the path, or of what was made" })),
        version: nullable(
          Type.String({ description: "`asked`: If-Match. `answered`: the version that the target has" }),
        ),
        reason: nullable(Type.String()),
        status: nullable(Type.Integer({ description: "Status of the answer" })),
      }),
      { description: "The newest first" },
    ),
    nextCursor: nullable(
      Type.String({ description: "Null on the last page. A page before it may have few items, or none" }),
    ),
  },
  {
    $id: "AuditPage",
    title: "AuditPage",
    examples: [
      {
        items: [
          {
            sequence: 12,
            at: "2026-11-22T10:00:00.000Z",
            writer: "node-1",
            requestId: "req_1",
            phase: "asked",
            actor: "k4Yx0aZq81",
            via: "key",
            roles: ["support"],
            address: "192.0.2.7",
            route: "POST /v1/orders/:id/cancel",
            target: "ord_4f0v5Xk2",
            version: '"7"',
            reason: "asked by the customer",
            status: null,
          },
        ],
        nextCursor: null,
      },
    ],
  },
);
