/** The types that the routes share. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { ProblemCode } from "./problems.ts";

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
  }

  interface FastifyContextConfig {
    /** The problem for a path parameter that no stored thing can have; without it, such a parameter is a 400. */
    unknownParameter?: ProblemCode;
  }
}
