/** The console: one page for all its addresses, and the files that the page loads. */
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyReply } from "fastify";
import type { HttpApp } from "../protocol/http-app.ts";
import { matches } from "../protocol/etag.ts";
import { noConsolePage } from "./no-console-page.ts";
import { type ConsoleFacts, readConsolePage } from "./console-files.ts";
import { sendProblem } from "../protocol/problem-answers.ts";
import { PAGE_POLICY } from "../protocol/response-headers.ts";

const HTML = "text/html; charset=utf-8";
/** Files that the build makes; compressed copies are sent in their place, and not by their names. */
const BUILT = /^\/[\w.-]+\.(?!(?:br|gz)$)\w+$/u;
const YEAR_MS = 365 * 24 * 3_600_000;

/** The first parts of the console's addresses; all other addresses stay unknown. */
export const consolePages = ["orders", "machines", "messages", "cluster", "warehouse", "bulk"] as const;

/** Pages of the console load from their own node and nowhere else, and have nothing inline. */
const CONSOLE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join("; ");

/** Where the console is, and what its page shows about the node. */
export type ConsoleSource = ConsoleFacts & {
  /** Folder of a build; it may be missing. */
  readonly folder: string;
};

const hidden = { schema: { hide: true }, config: { access: "public" } } as const;

/**
 * Adds the routes. A build is seen as soon as it is there: the page is read for each request, which is seldom. Without
 * a build, `/` says how to make one, and the other pages are unknown addresses.
 */
export async function consoleRoutes(app: HttpApp, { folder, ...facts }: ConsoleSource): Promise<void> {
  // Names have the hash of their content: the same name is always the same file.
  await app.register(async (scope) => {
    scope.addHook("onRoute", (route) => {
      route.config = { ...route.config, access: "public" };
    });
    await scope.register(fastifyStatic, {
      root: join(folder, "assets"),
      prefix: "/assets/",
      decorateReply: false,
      index: false,
      preCompressed: true,
      allowedPath: (path) => BUILT.test(path),
      immutable: true,
      maxAge: YEAR_MS,
      suppressWarning: true,
    });
  });
  for (const path of ["/", ...consolePages.flatMap((name) => [`/${name}`, `/${name}/*`])])
    app.get(path, hidden, async (request, reply) => {
      const page = readConsolePage(folder, facts);
      if (page === undefined) return path === "/" ? sendNoConsole(reply) : sendProblem(reply, "not_found");
      // A browser takes the headers of a 304 for those of the page that it has.
      reply.header("content-security-policy", CONSOLE_POLICY);
      reply.header("cache-control", "no-cache").header("etag", page.etag);
      if (matches(request.headers["if-none-match"], page.etag)) return reply.code(304).send();
      return reply.type(HTML).send(page.html);
    });
}

function sendNoConsole(reply: FastifyReply): FastifyReply {
  return reply.header("content-security-policy", PAGE_POLICY).type(HTML).send(noConsolePage);
}
