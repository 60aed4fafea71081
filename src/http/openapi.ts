/** The OpenAPI document, made of the schemas that validate and serialize, and the reference page that shows it. */
import swagger from "@fastify/swagger";
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchema,
} from "fastify";
import { withNulls } from "./openapi-nulls.ts";
import { mayBeEmpty } from "./orders/command-schemas.ts";
import type { HttpApp } from "./protocol/http-app.ts";
import { sendProblem } from "./protocol/problem-answers.ts";
import { problemResponses } from "./protocol/problem-schema.ts";
import { ref } from "./protocol/schema-parts.ts";
import { PAGE_POLICY } from "./protocol/response-headers.ts";

const tags = [
  { name: "Orders", description: "Place, read and cancel orders" },
  { name: "Fulfillment", description: "The five manual steps of the warehouse" },
  { name: "Inventory", description: "Stock and prices per SKU" },
  { name: "Payments", description: "What the payment gateway reports" },
  { name: "Live", description: "Server-Sent Events" },
  { name: "Machines", description: "The statecharts of an order, as data" },
  { name: "Operations", description: "Health, metrics and the cluster" },
];

/** Collects the routes that are added after it, for the document. */
export async function collectOpenApi(app: HttpApp): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Orderly",
        version: "1.0.0",
        description:
          "Order management in which every order is a durable state machine. Errors are problem details (RFC 9457) with a stable `code`.",
      },
      servers: [{ url: "/" }],
      tags,
    },
    transform: ({ schema, url }) => ({ schema: withProblems(schema), url }),
    transformObject: (document) =>
      "openapiObject" in document
        ? (withNulls(withOptionalBodies(document.openapiObject)) as typeof document.openapiObject)
        : document.swaggerObject,
    refResolver: {
      // Without it the components are called def-0, def-1 ...
      buildLocalReference: (schema, _baseUri, _fragment, index) =>
        typeof schema["$id"] === "string" ? schema["$id"] : `def-${index}`,
    },
  });
}

/** Serves `/openapi.json` and, under `/docs`, the reference, which loads only files of this node. */
export function serveOpenApi(app: HttpApp): void {
  let document: string | undefined;
  app.get(
    "/openapi.json",
    { schema: { hide: true }, config: { access: "public" } },
    async (_request, reply) => {
      document ??= JSON.stringify(app.swagger());
      return reply.type("application/json; charset=utf-8").send(document);
    },
  );
  let reference: Promise<FastifyInstance> | undefined;
  for (const path of ["/docs", "/docs/", "/docs/js/scalar.js"])
    app.get(
      path,
      { schema: { hide: true }, config: { access: "public" }, onRequest: pageHeaders },
      async (request, reply) => {
        reference ??= loadReference().catch((error: unknown) => {
          reference = undefined;
          throw error;
        });
        const { statusCode, headers, rawPayload } = await (await reference).inject({
          url: request.url,
          headers: { host: request.headers.host ?? "" },
        });
        const { "content-type": type, location } = headers;
        if (location !== undefined) reply.header("location", location);
        if (type !== undefined) reply.header("content-type", type);
        return reply.code(statusCode).send(rawPayload);
      },
    );
}

/** Loaded for its first reader: the library is 5 MB of source, and takes 45 MB of memory. */
async function loadReference(): Promise<FastifyInstance> {
  const { default: reference } = await import("@scalar/fastify-api-reference");
  const app = fastify();
  await app.register(reference, {
    routePrefix: "/docs",
    configuration: {
      url: "/openapi.json",
      pageTitle: "Orderly API",
      // Requests to try out go straight to this node; the page fetches nothing from another host and reports to none.
      proxyUrl: "",
      withDefaultFonts: false,
      telemetry: false,
      // The viewer's toolbar offers services of its makers.
      showDeveloperTools: "never",
      hideClientButton: true,
      agent: { disabled: true },
      mcp: { disabled: true },
    },
  });
  await app.ready();
  return app;
}

function pageHeaders(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  // The reference builds a URL of the Host header and would fail on one that is not valid in a URL.
  if (!URL.canParse(`http://${request.hostname}/`)) {
    sendProblem(reply, "bad_request", { detail: "The Host header is malformed." });
    return;
  }
  reply.header("content-security-policy", PAGE_POLICY);
  done();
}

/** Adds the documented answers of the codes that a route names in `problems`, and its other answer of status 200. */
function withProblems(schema: FastifySchema): FastifySchema {
  const { also, problems, readsBytes = {}, ...rest } = schema;
  if (problems === undefined) return schema;
  const answers = rest.response as Readonly<Record<string, AnswerSchema>>;
  const other = also ? { 200: withOther(answers[200], also) } : {};
  return { ...rest, ...readsBytes, response: { ...problemResponses(problems), ...answers, ...other } };
}

type AnswerSchema = { readonly $ref?: string; readonly description?: string; readonly headers?: object };

/** Only in the document: the other answer is sent as bytes. */
function withOther(
  { $ref, description, headers }: AnswerSchema = {},
  { schema, together = false, when }: NonNullable<FastifySchema["also"]>,
): object {
  const other = ref(schema);
  const said = `${when} \`${schema}\``;
  const kind = together ? "allOf" : "anyOf";
  return {
    description: description === undefined ? said : `${description}. ${said}`,
    ...(headers && { headers }),
    content: { "application/json": { schema: $ref === undefined ? other : { [kind]: [{ $ref }, other] } } },
  };
}

type Operation = {
  requestBody?: { required?: boolean; content: { "application/json"?: { schema?: { $ref?: string } } } };
};

/** A body is documented as required, except for commands without required fields. */
function withOptionalBodies<D extends object>(document: D): D {
  const { paths = {} } = document as { paths?: Record<string, { post?: Operation }> };
  for (const { post } of Object.values(paths)) {
    const component = post?.requestBody?.content["application/json"]?.schema?.$ref?.split("/").at(-1);
    if (post?.requestBody && mayBeEmpty.has(component ?? "")) post.requestBody.required = false;
  }
  return document;
}
