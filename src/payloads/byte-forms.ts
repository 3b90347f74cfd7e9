/** Kinds of byte containers that a payload can be, by the name in `form`. */
import { Buffer } from "node:buffer";

/** Makes the container over the whole of a buffer of its own. */
type Maker = (buffer: ArrayBuffer) => unknown;

const MAKERS: Readonly<Record<string, Maker>> = {
  ArrayBuffer: (buffer) => buffer,
  Buffer: (buffer) => Buffer.from(buffer),
  DataView: (buffer) => new DataView(buffer),
  Int8Array: (buffer) => new Int8Array(buffer),
  Uint8Array: (buffer) => new Uint8Array(buffer),
  Uint8ClampedArray: (buffer) => new Uint8ClampedArray(buffer),
  Int16Array: (buffer) => new Int16Array(buffer),
  Uint16Array: (buffer) => new Uint16Array(buffer),
  Int32Array: (buffer) => new Int32Array(buffer),
  Uint32Array: (buffer) => new Uint32Array(buffer),
  Float16Array: (buffer) => new Float16Array(buffer),
  Float32Array: (buffer) => new Float32Array(buffer),
  Float64Array: (buffer) => new Float64Array(buffer),
  BigInt64Array: (buffer) => new BigInt64Array(buffer),
  BigUint64Array: (buffer) => new BigUint64Array(buffer),
};

/** The form of a buffer or view; a subclass counts as the built-in class that it extends. */
export function formOf(value: ArrayBuffer | ArrayBufferView): string {
  return Buffer.isBuffer(value)
    ? "Buffer"
    : Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** Bytes under a buffer or view, not copied. Throws a TypeError if the buffer was transferred. */
export function viewBytes(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  return value instanceof ArrayBuffer
    ? new Uint8Array(value)
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/**
 * Makes the container of this form over these bytes; an unknown form (of a newer version) gives the
 * bytes themselves.
 */
export function makeForm(form: string, bytes: Uint8Array): unknown {
  const make = MAKERS[form];
  return make === undefined ? bytes : make(ownBuffer(bytes));
}

/**
 * Copies bytes into a buffer of their own, if the buffer holds more. A view sent over RPC takes its
 * whole buffer along, and a view at an odd offset fits no wider array.
 */
export function compact(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(ownBuffer(bytes));
}

function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength
    ? buffer
    : new Uint8Array(bytes).buffer;
}
