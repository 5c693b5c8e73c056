/** Set by the build of the small script; nowhere else is there such a name. */
declare const FRESHET_CORE: boolean | undefined;

/** The small script has codes where all others have sentences. The guide lists them. */
export const isCore: boolean = typeof FRESHET_CORE !== "undefined";
