/** `GET /`: a plain page that says what this is and where to continue. */
import type { HttpApp } from "../protocol/http-app.ts";
import { PAGE_POLICY } from "../protocol/response-headers.ts";

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Orderly</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1rem; }
  code { font-family: ui-monospace, monospace; }
</style>
</head>
<body>
<main>
<h1>Orderly</h1>
<p>Distributed order management: every order is a durable state machine. This is one of its nodes; any node
takes any order.</p>
<ul>
<li><a href="/docs/">API reference</a>, from <a href="/openapi.json"><code>/openapi.json</code></a></li>
<li><a href="/asyncapi.json"><code>/asyncapi.json</code></a>: the events that orders publish</li>
<li><a href="/v1/cluster">Cluster</a>: nodes, partitions and their owners</li>
<li><a href="/v1/inventory">Inventory</a></li>
<li><a href="/health/ready">Health</a> and <a href="/metrics">metrics</a></li>
</ul>
</main>
</body>
</html>
`;

/** Adds the route. */
export function indexPageRoute(app: HttpApp): void {
  app.get("/", { schema: { hide: true } }, async (_request, reply) =>
    reply.header("content-security-policy", PAGE_POLICY).type("text/html; charset=utf-8").send(page),
  );
}
