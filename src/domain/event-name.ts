/** What a named event may be called, in peach.conf, by emitters and over HTTP: 1 to 128 letters, digits, `.`, `_` and `-`. */
export const EVENT_NAME = /^[A-Za-z0-9._-]{1,128}$/;
