/** Names of the C library, for `bun:ffi`: glibc's and musl's. One of them opens. */
export const LIBC_NAMES = ['libc.so.6', `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`]
