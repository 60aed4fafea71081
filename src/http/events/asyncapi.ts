/** The AsyncAPI document of the public events, made of the schemas that the tests hold to what is published. */
import {
  eventAddress,
  eventHeaders,
  type PublicEvent,
  publicEvents,
} from "../../services/events/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";

const description = `The public events of orders, CloudEvents 1.0 in the binary mode of NATS. They are stored in the JetStream stream \`KV_ORDERS\`, with \`ORDERLY_STREAMS\` above 1 also in \`KV_ORDERS_1\`, \`KV_ORDERS_2\` ..., and never deleted. Every event is stored once; a consumer may get it more than once, and recognizes it by \`ce-id\`. The events of one order are in its partition, in order. Members and types may be added: a consumer accepts what it does not know.`;

const setting = "Published only with `ORDERLY_INTERNAL_EVENTS=true`.";

/** Serves `/asyncapi.json`. */
export function eventDocumentRoute(app: HttpApp): void {
  let document: string | undefined;
  app.get(
    "/asyncapi.json",
    { schema: { hide: true }, config: { access: "public" } },
    async (_request, reply) => {
      document ??= JSON.stringify(asyncApi());
      return reply.type("application/json; charset=utf-8").send(document);
    },
  );
}

/** AsyncAPI 3.0: a channel, a message and a schema for each type of event. */
export function asyncApi(): object {
  return {
    asyncapi: "3.0.0",
    info: { title: "Orderly events", version: "1.0.0", description },
    defaultContentType: "application/json",
    servers: {
      nats: {
        host: "{host}",
        protocol: "nats",
        description: "A nats-server of the cluster. `npm start` runs one at the default address",
        variables: { host: { default: "127.0.0.1:4222", description: "Address of the server" } },
      },
    },
    channels: byType(channelOf),
    operations: byType(operationOf),
    components: {
      messages: byType(messageOf),
      messageTraits: { cloudEvent: { contentType: "application/json", headers: eventHeaders } },
      parameters: {
        partition: {
          description: "Partition of the order, 0 to `ORDERLY_PARTITIONS` - 1. Subscribe to `*` for all",
          examples: ["7"],
        },
      },
      schemas: byType(({ schema }) => schema),
    },
  };
}

const byType = (part: (event: PublicEvent) => unknown): Readonly<Record<string, unknown>> =>
  Object.fromEntries(publicEvents.map((event) => [event.type, part(event)]));

const reference = (place: string) => ({ $ref: `#/${place}` });

function channelOf({ type }: PublicEvent): object {
  return {
    address: eventAddress(type),
    servers: [reference("servers/nats")],
    parameters: { partition: reference("components/parameters/partition") },
    messages: { [type]: reference(`components/messages/${type}`) },
  };
}

/** From the side of Orderly, as AsyncAPI requires: it sends, and consumers receive. */
function operationOf({ type }: PublicEvent): object {
  return {
    action: "send",
    channel: reference(`channels/${type}`),
    messages: [reference(`channels/${type}/messages/${type}`)],
  };
}

function messageOf({ internal, schema, summary, type }: PublicEvent): object {
  const { examples } = schema as { readonly examples?: readonly object[] };
  return {
    name: type,
    title: type,
    summary,
    ...(internal && { description: setting }),
    traits: [reference("components/messageTraits/cloudEvent")],
    payload: reference(`components/schemas/${type}`),
    examples: examples?.map((payload) => ({ payload })),
  };
}
