/**
 * Where npm has put the native library.
 *
 * A checkout has none: `npm:` packages exist for what is released only, and an
 * import of one that does not exist, a dynamic one too, asks the registry in
 * each run and each check of types. So the import is written into this file
 * when the module is packed for JSR, by tools/jsr_package.ts.
 *
 * @module
 */

/** What the package `@denocurl/native` says. */
export interface Packaged {
  /** The package for this kind of machine; undefined if there is none. */
  readonly name?: string;
  /** The URL of the library's file in it; undefined if it is not installed. */
  readonly url?: string;
  /** The kind of machine, such as `linux-x64-gnu`. */
  readonly platform: string;
}

/** The library for this machine; undefined in a checkout. */
export const packaged: Packaged | undefined = undefined;
