/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two worlds xnts is compiled for, and all that differs between them.
 *
 * Everything below bpf/ compiles as BPF (with vmlinux.h and libbpf's helpers)
 * and as ordinary userspace C, so that the code which answers on the NIC is the
 * very code that is unit-tested, fuzzed and run under valgrind.  This is the
 * only file with an `#ifdef __bpf__`.
 */
#ifndef XNTS_PORT_H
#define XNTS_PORT_H

#ifdef __bpf__

#include "../vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define NULL ((void *)0)
#define EINVAL 22
#define EBADMSG 74

/* A stack frame of its own, gone before the next stage is called. */
#define XNTS_STAGE __attribute__((noinline)) static
/* Verified once, whatever the number of callers (kernel >= 5.6). */
#define XNTS_GLOBAL __attribute__((noinline))
#define XNTS_MEMCPY __builtin_memcpy
#define XNTS_MEMSET __builtin_memset

/* Loads and stores of any alignment: BPF on every supported CPU has them, and
 * clang would split a memcpy() from unaligned memory into single bytes. */
static __always_inline __u16 load16(const void *p) { return *(const __u16 *)p; }
static __always_inline __u32 load32(const void *p) { return *(const __u32 *)p; }
static __always_inline __u64 load64(const void *p) { return *(const __u64 *)p; }
static __always_inline void store16(void *p, __u16 v) { *(__u16 *)p = v; }
static __always_inline void store32(void *p, __u32 v) { *(__u32 *)p = v; }
static __always_inline void store64(void *p, __u64 v) { *(__u64 *)p = v; }

/* Keeps the compiler from proving away a mask or a bound the verifier needs. */
#define XNTS_OPAQUE(x) asm volatile("" : "+r"(x))

/* a op= b, one instruction at its place in the source: by itself clang reorders and copies. */
#define XNTS_INTO(a, op, b) asm volatile("%0 " #op "= %1" : "+r"(a) : "r"(b) : "memory")

#else

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <linux/bpf.h>
#include <linux/types.h>

#define XNTS_STAGE static
#define XNTS_GLOBAL __attribute__((unused)) static
#define XNTS_MEMCPY memcpy
#define XNTS_MEMSET memset
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif

static __always_inline __u16 load16(const void *p) { __u16 v; memcpy(&v, p, 2); return v; }
static __always_inline __u32 load32(const void *p) { __u32 v; memcpy(&v, p, 4); return v; }
static __always_inline __u64 load64(const void *p) { __u64 v; memcpy(&v, p, 8); return v; }
static __always_inline void store16(void *p, __u16 v) { memcpy(p, &v, 2); }
static __always_inline void store32(void *p, __u32 v) { memcpy(p, &v, 4); }
static __always_inline void store64(void *p, __u64 v) { memcpy(p, &v, 8); }

#define XNTS_OPAQUE(x) ((void)(x))
#define XNTS_INTO(a, op, b) ((a) = (a) op (b))

#define bpf_htons(x) __builtin_bswap16(x)
#define bpf_ntohs(x) __builtin_bswap16(x)
#define bpf_htonl(x) __builtin_bswap32(x)
#define bpf_ntohl(x) __builtin_bswap32(x)
#define bpf_cpu_to_be64(x) __builtin_bswap64(x)
#define bpf_be64_to_cpu(x) __builtin_bswap64(x)

#endif /* __bpf__ */

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "xnts supports little-endian machines"
#endif

#endif /* XNTS_PORT_H */
