/** The plain page of a node that has no console: it says what this is, how to build one, and where to continue. */

/** HTML of the page. */
export const noConsolePage = `<!doctype html>
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
<p>The console is not built. <code>node orderly.mjs build-console</code> builds it.</p>
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
