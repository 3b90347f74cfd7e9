/** The largest object that R2 holds; the platform's limit for a request's body is lower. */
export const MAX_PAYLOAD_BYTES = 5 * 1024 ** 4;
