/** nats-server from its GitHub release: one archive per platform, with a pinned checksum. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assertChecksum } from "./checksum.ts";
import { type NatsSource, releases, releaseVersion } from "./nats-sources.ts";
import { runCommand } from "./run-command.ts";

const ANSWER_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 90_000;
const UNPACK_TIMEOUT_MS = 30_000;

/** Needs GitHub. */
export const fromRelease: NatsSource = {
  name: `GitHub release v${releaseVersion}`,
  async fetch(folder, platform) {
    const release = releases[platform];
    if (release === undefined) throw new Error(`no checksum is pinned for ${platform}`);
    const stem = `nats-server-v${releaseVersion}-${release.name}`;
    const archive = join(folder, `${stem}.tar.gz`);
    await writeFile(
      archive,
      await download(
        `https://github.com/nats-io/nats-server/releases/download/v${releaseVersion}/${stem}.tar.gz`,
      ),
    );
    await assertChecksum(archive, release.sha256);
    await runCommand("tar", ["-xzf", archive, "-C", folder], { timeoutMs: UNPACK_TIMEOUT_MS });
    return join(folder, stem, "nats-server");
  },
};

/** The wait for an unreachable host ends quickly; a slow download has more time. */
async function download(url: string): Promise<Uint8Array> {
  const noAnswer = new AbortController();
  const unanswered = setTimeout(
    () => noAnswer.abort(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`)),
    ANSWER_TIMEOUT_MS,
  );
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([noAnswer.signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]),
    });
    clearTimeout(unanswered);
    if (!response.ok) throw new Error(`the download answered ${response.status}`);
    return await response.bytes();
  } catch (error) {
    throw new Error(`cannot download: ${causeOf(error)}`, { cause: error });
  } finally {
    clearTimeout(unanswered);
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
