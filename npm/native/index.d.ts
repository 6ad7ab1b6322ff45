/** What the native library of `@denocurl/curl` is called on this machine. */
declare const native: {
  /** The kind of machine, such as `linux-x64-gnu`. */
  readonly platform: string;
  /** The npm package for it; undefined if there is none. */
  readonly name?: string;
  /** The URL of the library's file; undefined if it is not installed. */
  readonly url?: string;
};
export default native;
