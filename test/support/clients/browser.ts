/**
 * A real Chromium without a window, driven over its DevTools protocol by a pair of pipes.
 * Owns: the process and its profile folder; both end with the test.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { Lifetime } from "../cluster/lifetime.ts";
import { cleanEnvironment } from "../cluster/processes.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { waitUntil } from "../wait-until.ts";

export type Page = {
  /** The visible text. */
  text(): Promise<string>;
  /** The window's title; of a PDF, the title in its metadata. */
  title(): Promise<string>;
  /** The value of an expression of JavaScript, which the page runs; as JSON. */
  evaluate<Value>(expression: string): Promise<Value>;
  /** Moves the mouse to the button whose text begins so and presses it, `times` in a row (default 1). */
  press(button: string, times?: number): Promise<void>;
  /** Presses a key, as `KeyboardEvent.key` has it: a character, or one with a name. */
  key(key: string): Promise<void>;
  /** Types a text into what has the focus. */
  type(text: string): Promise<void>;
  /** Goes to an address in the same tab, and waits until it is loaded. */
  go(url: string): Promise<void>;
  /** What the system of the reader prefers. */
  prefer(theme: "light" | "dark"): Promise<void>;
  /** Errors of the page's scripts, messages in its console, refusals by its policy, and addresses that it asked for. */
  seen(): Seen;
  /** Goes one page back, as its button does. */
  back(): Promise<void>;
  /** Width and height of the window, CSS pixels; height 800 when absent. */
  resize(width: number, height?: number): Promise<void>;
  /** What the window shows. */
  picture(format: "png" | "webp"): Promise<Buffer>;
};

/** What a page has done since it was opened. */
export type Seen = {
  /** Messages of level warning or error, exceptions, and refusals by the policy; texts of the browser. */
  readonly faults: readonly string[];
  readonly requests: readonly string[];
};

export type Browser = {
  /** Opens a page in a tab of its own, and waits until it is loaded. */
  open(url: string): Promise<Page>;
};

type Reply = {
  readonly id?: number;
  readonly result?: object;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
};
type Listen = (sessionId: string, listener: (event: Reply) => void) => void;
type Send = <Result>(method: string, params?: object, sessionId?: string) => Promise<Result>;

const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const CLOSE_TIMEOUT_MS = 5000;
const VIRTUAL_KEYS: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  Escape: 27,
  ArrowUp: 38,
  ArrowDown: 40,
};

/** The command of this machine's Chromium; undefined without one. */
export function chromium(): string | undefined {
  return NAMES.find((name) => {
    try {
      execFileSync(name, ["--version"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * @param names that lead to this machine's loopback address, as a rebound name does
 * @throws when this machine has no Chromium
 */
export async function startBrowser(t: Lifetime, names: readonly string[] = []): Promise<Browser> {
  const command = chromium();
  if (command === undefined) throw new Error(`needs Chromium: none of ${NAMES.join(", ")} is on the PATH`);
  const profile = temporaryFolder(t);
  const child = spawn(
    command,
    [
      "--headless",
      "--remote-debugging-pipe",
      `--user-data-dir=${profile}`,
      "--no-first-run",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      `--host-resolver-rules=${names.map((name) => `MAP ${name} 127.0.0.1`).join(",")}`,
      // Its sandbox does not work for root.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ],
    { env: cleanEnvironment(), stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const { send, listen } = talk(child.stdio[3] as Writable, child.stdio[4] as Readable);
  const ended = once(child, "exit");
  t.teardown(async () => {
    const running = () => child.exitCode === null && child.signalCode === null;
    // In order, so that its own children are gone before its folder is.
    if (running()) void send("Browser.close").catch(() => {});
    await Promise.race([ended, pause(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    if (running()) child.kill("SIGKILL");
    await ended;
  });
  return {
    async open(url) {
      const { targetId } = await send<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
      const attached = await send<{ sessionId: string }>("Target.attachToTarget", {
        targetId,
        flatten: true,
      });
      const { sessionId } = attached;
      const page = pageOf(
        targetId,
        (method, params) => send(method, params, sessionId),
        seenOf(listen, sessionId),
      );
      for (const domain of ["Runtime", "Log", "Network"]) await send(`${domain}.enable`, {}, sessionId);
      await page.go(url);
      return page;
    },
  };
}

/** Messages are JSON, each followed by a zero byte. */
function talk(to: Writable, from: Readable): { readonly send: Send; readonly listen: Listen } {
  const listeners = new Map<string, (event: Reply) => void>();
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  let rest = "";
  from.setEncoding("utf8").on("data", (text: string) => {
    const messages = (rest + text).split("\0");
    rest = messages.pop() ?? "";
    for (const message of messages) {
      const reply = JSON.parse(message) as Reply;
      const { id = 0, result, error, sessionId = "" } = reply;
      if (reply.method !== undefined) listeners.get(sessionId)?.(reply);
      const caller = waiting.get(id);
      waiting.delete(id);
      if (error) caller?.reject(new Error(error.message));
      else caller?.resolve(result);
    }
  });
  from.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("Chromium has ended"));
  });
  const send = <Result>(method: string, params: object = {}, sessionId?: string) => {
    const id = ++last;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    to.write(
      `${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`,
    );
    return answer.promise as Promise<Result>;
  };
  return { send, listen: (sessionId, listener) => void listeners.set(sessionId, listener) };
}

/** Collects what a page does wrong, and what it asks for. */
function seenOf(listen: Listen, sessionId: string): Seen {
  const faults: string[] = [];
  const requests: string[] = [];
  listen(sessionId, ({ method, params = {} }) => {
    if (method === "Network.requestWillBeSent") requests.push((params["request"] as { url: string }).url);
    if (method === "Runtime.exceptionThrown") faults.push(JSON.stringify(params["exceptionDetails"]));
    if (method === "Log.entryAdded") {
      const { level, text, url = "" } = params["entry"] as { level: string; text: string; url?: string };
      if (level === "error" || level === "warning") faults.push(`${text} ${url}`);
    }
    if (method === "Runtime.consoleAPICalled" && (params["type"] === "error" || params["type"] === "warning"))
      faults.push(JSON.stringify(params["args"]));
  });
  return { faults, requests };
}

function pageOf(targetId: string, send: Send, seen: Seen): Page {
  const evaluate = async <Value>(expression: string): Promise<Value> => {
    const answer = await send<{
      result: { value: Value };
      exceptionDetails?: { exception?: { description?: string } };
    }>("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (answer.exceptionDetails)
      throw new Error(answer.exceptionDetails.exception?.description ?? `${expression} has failed`);
    return answer.result.value;
  };
  const loaded = () =>
    waitUntil("the page is loaded", () =>
      evaluate("document.readyState === 'complete' && location.href !== 'about:blank'"),
    );
  const mouse = (type: string, point: object, clickCount: number) =>
    send("Input.dispatchMouseEvent", { type, ...point, button: "left", clickCount });
  return {
    evaluate,
    text: () => evaluate("document.body.innerText"),
    async title() {
      const answer = await send<{ targetInfo: { title: string } }>("Target.getTargetInfo", { targetId });
      return answer.targetInfo.title;
    },
    async go(url) {
      await send("Page.navigate", { url });
      await loaded();
    },
    async press(button, times = 1) {
      const point = await evaluate<object>(`(() => {
        const found = [...document.querySelectorAll("button")].find((one) => one.innerText.startsWith(${JSON.stringify(button)}));
        if (!found) throw new Error("there is no such button on " + document.body.innerText);
        found.scrollIntoView();
        const { x, y, width, height } = found.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      })()`);
      for (let click = 1; click <= times; click++) {
        await mouse("mousePressed", point, click);
        await mouse("mouseReleased", point, click);
      }
    },
    async key(key) {
      const what = {
        key,
        code: key,
        ...(VIRTUAL_KEYS[key] === undefined ? { text: key } : { windowsVirtualKeyCode: VIRTUAL_KEYS[key] }),
        ...(key === "Enter" ? { text: "\r" } : {}),
      };
      await send("Input.dispatchKeyEvent", { type: "keyDown", ...what });
      await send("Input.dispatchKeyEvent", { type: "keyUp", ...what });
    },
    async type(text) {
      await send("Input.insertText", { text });
    },
    async prefer(theme) {
      await send("Emulation.setEmulatedMedia", {
        features: [{ name: "prefers-color-scheme", value: theme }],
      });
    },
    seen: () => seen,
    async back() {
      await evaluate("history.back()");
    },
    async picture(format) {
      const { data } = await send<{ data: string }>("Page.captureScreenshot", {
        format,
        ...(format === "webp" ? { quality: 82 } : {}),
      });
      return Buffer.from(data, "base64");
    },
    async resize(width, height = 800) {
      await send("Emulation.setDeviceMetricsOverride", {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: width < 600,
      });
    },
  };
}
