/** Starts the console. */
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { isTransient, isUnauthenticated } from "./api/problem.ts";
import { sessionQuery } from "./api/queries.ts";
import { Shell } from "./app/shell.tsx";
import { readStored } from "./app/stored.ts";
import { applyTheme, themes } from "./app/theme.ts";
import { readFacts } from "./facts.ts";
import { LiveConnection } from "./live/connection.ts";
import { LiveContext } from "./live/use-live.ts";
import { ToastProvider } from "./ui/toast.tsx";
import "./base.css";

applyTheme(readStored("theme", themes));
const facts = readFacts(document);
document.documentElement.dataset["environment"] = facts.environment;

const FRESH_MS = 5_000;
const [SESSION] = sessionQuery.queryKey;
const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // The key was revoked, or has expired: the shell asks for another one.
    onError: (error, { queryKey }) => {
      if (isUnauthenticated(error) && queryKey[0] !== SESSION)
        void client.resetQueries({ queryKey: sessionQuery.queryKey });
    },
  }),
  defaultOptions: {
    queries: {
      // Live changes come by the stream; nothing is asked for by the clock, or because a window is seen again.
      staleTime: FRESH_MS,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      retry: (failures, error) => failures < 1 && isTransient(error),
      retryDelay: 700,
    },
  },
});

const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <LiveContext value={new LiveConnection()}>
        <ToastProvider>
          <Shell facts={facts} />
        </ToastProvider>
      </LiveContext>
    </QueryClientProvider>
  </StrictMode>,
);
