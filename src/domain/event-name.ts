/**
 * Valid names of events in peach.conf, emitters and the API: 1 to 128 letters, digits, `.`, `_` and
 * `-`.
 */
export const EVENT_NAME = /^[A-Za-z0-9._-]{1,128}$/;
