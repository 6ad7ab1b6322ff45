/**
 * The kinds of machines that have a package of their own.
 *
 * @module
 */

/** A kind of machine. */
export interface Platform {
  /** Its name here, and the end of its package's. */
  readonly name: string;
  /** Rust's name for it. */
  readonly target: string;
  /** What npm chooses the package by. */
  readonly os: string;
  readonly cpu: string;
  readonly libc?: string;
  /** The library's file. */
  readonly file: string;
}

const LINUX = { os: "linux", file: "libdenocurl.so" };
const GNU = { ...LINUX, libc: "glibc" };
const MUSL = { ...LINUX, libc: "musl" };
const MAC = { os: "darwin", file: "libdenocurl.dylib" };

/** All of them. */
export const PLATFORMS: readonly Platform[] = [
  {
    name: "linux-x64-gnu",
    target: "x86_64-unknown-linux-gnu",
    cpu: "x64",
    ...GNU,
  },
  {
    name: "linux-x64-musl",
    target: "x86_64-unknown-linux-musl",
    cpu: "x64",
    ...MUSL,
  },
  {
    name: "linux-arm64-gnu",
    target: "aarch64-unknown-linux-gnu",
    cpu: "arm64",
    ...GNU,
  },
  {
    name: "linux-arm64-musl",
    target: "aarch64-unknown-linux-musl",
    cpu: "arm64",
    ...MUSL,
  },
  { name: "darwin-x64", target: "x86_64-apple-darwin", cpu: "x64", ...MAC },
  {
    name: "darwin-arm64",
    target: "aarch64-apple-darwin",
    cpu: "arm64",
    ...MAC,
  },
  {
    name: "win32-x64",
    target: "x86_64-pc-windows-msvc",
    os: "win32",
    cpu: "x64",
    file: "denocurl.dll",
  },
];

/** The one of that name. */
export function platformNamed(name: string): Platform {
  const found = PLATFORMS.find((platform) => platform.name === name);
  if (found === undefined) {
    const names = PLATFORMS.map(({ name }) => name).join(", ");
    throw new Error(`No platform "${name}"; there are ${names}`);
  }
  return found;
}

/** The one that this runs on. */
export function ownPlatform(): Platform {
  const { target } = Deno.build;
  const found = PLATFORMS.find((platform) => platform.target === target);
  if (found === undefined) throw new Error(`No package is made for ${target}`);
  return found;
}
