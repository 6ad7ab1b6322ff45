/**
 * Which release this module is of.
 *
 * @module
 */

/** The version, which the native library must have as well. */
export const RELEASE = "0.1.0";
