/** The types that the routes share. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { TSchema } from "typebox";
import type { ProblemCode } from "./problems.ts";

/** A Fastify app whose routes are typed by their TypeBox schemas. */
export type HttpApp = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module "fastify" {
  interface FastifySchema {
    /** Problems that the route may answer with, for the document. */
    problems?: readonly ProblemCode[];
    /** Another answer of status 200, that is sent as bytes, and when; for the document. `together`: with the first. */
    also?: { readonly schema: string; readonly when: string; readonly together?: boolean };
    /** Headers and body of a route that checks them itself, as bytes; for the document. */
    readsBytes?: { readonly headers: TSchema; readonly body: TSchema };
  }

  interface FastifyContextConfig {
    /** The problem for a path parameter of a form that no stored item can have. Without it the answer is 400. */
    unknownParameter?: ProblemCode;
  }
}
