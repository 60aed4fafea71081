/** The frame around all pages: rail, top bar, and the page of the present address. */
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { useQuery } from "@tanstack/react-query";
import { isUnauthenticated } from "../api/problem.ts";
import { clusterQuery, sessionQuery } from "../api/queries.ts";
import { useLiveConnection } from "../live/use-live.ts";
import type { NodeFacts } from "../facts.ts";
import { buttonClass, IconButton } from "../ui/button.tsx";
import { timeModes } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Empty, Skeleton } from "../ui/panel.tsx";
import { TimeModeContext } from "../ui/time.tsx";
import { ErrorBoundary } from "./error-boundary.tsx";
import { LiveIndicator } from "./live-indicator.tsx";
import { NodeGone } from "./node-gone.tsx";
import { Page } from "./page.tsx";
import { type PageRoute, routes } from "./routes.ts";
import { SignedIn, SignIn } from "./sign-in.tsx";
import type { KeyAction } from "./shortcuts.ts";
import { useShortcuts } from "./use-shortcuts.ts";
import type { Entry } from "./palette-entries.ts";
import { useStored } from "./stored.ts";
import { applyTheme, themes } from "./theme.ts";
import styles from "./shell.module.css";

const Palette = lazy(() => import("./palette.tsx"));
const Help = lazy(() => import("./help.tsx"));

const places = new Map(routes.flatMap(({ path, rail }) => (rail ? [[rail.key, path] as const] : [])));

const pages = routes.map((route) => ({ ...route, Component: lazy(route.load) }));

/** The console. */
export function Shell({ facts }: { readonly facts: NodeFacts }) {
  const [theme, setTheme] = useStored("theme", themes);
  const [timeMode, setTimeMode] = useStored("times", timeModes);
  const [shortcuts, setShortcuts] = useStored("shortcuts", ["on", "off"]);
  const [overlay, setOverlay] = useState<"palette" | "help" | undefined>(undefined);
  const [path, navigate] = useLocation();
  const connection = useLiveConnection();
  const togglePause = () =>
    connection.snapshot().phase === "paused" ? connection.resume() : connection.pause();
  const nextTheme = () => setTheme(after(themes, theme));
  const nextTimes = () => setTimeMode(after(timeModes, timeMode));
  const act = (action: KeyAction) => {
    if (action.type === "go") navigate(action.path);
    else if (action.type === "pause") togglePause();
    else if (action.type === "help") setOverlay("help");
    else if (action.type === "palette") setOverlay((open) => (open === "palette" ? undefined : "palette"));
    else {
      const search = document.querySelector<HTMLElement>("[data-search]");
      if (search) search.focus();
      else setOverlay("palette");
    }
  };
  useShortcuts(places, shortcuts === "on", act);
  const close = () => setOverlay(undefined);
  const entries: readonly Entry[] = [
    ...routes.flatMap(({ path: to, rail, title }) =>
      to.includes(":")
        ? []
        : [{ id: to, title, hint: rail ? `page, g ${rail.key}` : "page", run: () => navigate(to) }],
    ),
    { id: "pause", title: "Pause or resume live changes", hint: "p", run: togglePause },
    { id: "theme", title: `Theme: ${after(themes, theme)}`, hint: "action", run: nextTheme },
    { id: "times", title: `Times: ${after(timeModes, timeMode)}`, hint: "action", run: nextTimes },
    { id: "help", title: "Shortcuts", hint: "?", run: () => setOverlay("help") },
    {
      id: "link",
      title: "Copy a link to this page",
      hint: "action",
      run: () => void navigator.clipboard.writeText(window.location.href),
    },
    { id: "api", title: "API reference", hint: "/docs/", run: () => window.location.assign("/docs/") },
  ];
  const overlays = (
    <Suspense fallback={null}>
      {overlay === "palette" && <Palette entries={entries} onClose={close} />}
      {overlay === "help" && (
        <Help
          routes={routes}
          on={shortcuts === "on"}
          onSwitch={(on) => setShortcuts(on ? "on" : "off")}
          onClose={close}
        />
      )}
    </Suspense>
  );
  useEffect(() => applyTheme(theme), [theme]);
  const session = useQuery(sessionQuery);
  const isUnknown = isUnauthenticated(session.error);
  // The nodes are known before one is gone.
  useQuery({ ...clusterQuery, enabled: session.isSuccess });
  const content = useMemo(() => <Pages />, []);
  const chromeless = pages.some(({ chromeless, path: at }) => chromeless && isWithin(path, at));
  const body = (
    <>
      <NodeGone facts={facts} />
      <ErrorBoundary of={path}>
        <Suspense fallback={<Skeleton lines={6} />}>
          {isUnknown ? <SignIn /> : session.isPending ? <Skeleton lines={6} /> : content}
        </Suspense>
      </ErrorBoundary>
    </>
  );
  if (chromeless)
    return (
      <TimeModeContext value={timeMode}>
        <main id="main">{body}</main>
        {overlays}
      </TimeModeContext>
    );
  return (
    <TimeModeContext value={timeMode}>
      <div className={styles["shell"]}>
        <a href="#main" className={`${buttonClass} ${styles["skip"]}`}>
          Skip to the page
        </a>
        <Rail path={path} />
        <header className={styles["bar"]}>
          <span className={styles["badge"]} data-environment={facts.environment}>
            {facts.environment}
          </span>
          <span className={styles["spacer"]} />
          <button
            type="button"
            className={styles["search"]}
            aria-keyshortcuts="Control+K"
            onClick={() => setOverlay("palette")}
          >
            <Icon name="search" />
            <span>Find</span>
            <kbd>Ctrl K</kbd>
          </button>
          <LiveIndicator />
          {session.data?.authentication === "keys" && <SignedIn name={session.data.name} />}
          <IconButton
            icon="clock"
            label={`Times: ${timeMode}. Press for ${after(timeModes, timeMode)}`}
            onClick={nextTimes}
          />
          <IconButton
            icon={theme === "system" ? "system" : theme === "light" ? "sun" : "moon"}
            label={`Theme: ${theme}. Press for ${after(themes, theme)}`}
            onClick={nextTheme}
          />
        </header>
        <main id="main" className={styles["main"]} tabIndex={-1}>
          {body}
        </main>
        {overlays}
      </div>
    </TimeModeContext>
  );
}

/** The value after this one, in a circle. */
function after<Value>(values: readonly Value[], value: Value): Value {
  return values[(values.indexOf(value) + 1) % values.length] ?? value;
}

function Pages() {
  return (
    <Switch>
      {pages.map(({ path, Component }) => (
        <Route key={path} path={path}>
          {(params) => <Component params={params as Record<string, string>} />}
        </Route>
      ))}
      <Route>
        <Page title="Nothing is here">
          <Empty title="The console has no page at this address" actions={<Link href="/">Overview</Link>} />
        </Page>
      </Route>
    </Switch>
  );
}

/** Whether an address is that of a page or inside of it. */
const isWithin = (path: string, page: string): boolean =>
  page === "/" ? path === "/" : path === page || path.startsWith(`${page}/`);

function Rail({ path }: { readonly path: string }) {
  const shown = routes.filter((route): route is PageRoute & Required<Pick<PageRoute, "rail">> =>
    Boolean(route.rail),
  );
  return (
    <nav className={styles["rail"]} aria-label="Pages">
      <Link href="/" className={styles["brand"] ?? ""}>
        <span className={styles["mark"]} aria-hidden="true">
          <i />
          <i />
          <i />
          <i />
        </span>
        Orderly
      </Link>
      {shown.map(({ path: to, rail }) => (
        <Link
          key={to}
          href={to}
          className={styles["link"] ?? ""}
          aria-current={isWithin(path, to) ? "page" : undefined}
        >
          <Icon name={rail.icon} />
          {rail.label}
        </Link>
      ))}
      <span className={styles["spacer"]} />
      <a href="/docs/" className={`${styles["link"]} ${styles["outside"]}`}>
        <Icon name="api" />
        API reference
      </a>
    </nav>
  );
}
