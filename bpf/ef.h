/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Extension fields of a request (RFC 7822, RFC 8915 5).  The request is in the
 * scratch buffer; what is found is left there as offsets and lengths that have
 * been checked against request_len.
 */
#ifndef XNTS_EF_H
#define XNTS_EF_H

#include "request.h"
#include "scratch.h"
#include "wire.h"

/* As many fields as fit a request, and the turn that finds the end. */
#define EF_MAX ((XNTS_MAX_PAYLOAD - 48) / EF_MIN + 1)

static __always_inline __u32 pad4(__u32 len)
{
	return (len + 3) & ~3U;
}

static __always_inline __u16 buf_be16(struct xnts_buf *buf, __u32 off)
{
	return bpf_ntohs(load16(buf_at(buf, off)));
}

/* RFC 8915 5.6: nonce and ciphertext, each padded to words, and, where the nonce
 * is shorter than what the answer needs, padding that makes up for it.  How much is
 * needed depends on the AEAD, and that on the cookie. */
static __always_inline int ef_authenticator(struct xnts_scratch *s, __u32 off, __u32 len)
{
	__u32 nonce_len, ct_len, used;

	nonce_len = buf_be16(&s->request, off + EF_HEADER);
	ct_len = buf_be16(&s->request, off + EF_HEADER + 2);
	used = EF_HEADER + 4 + pad4(nonce_len) + pad4(ct_len);
	if (nonce_len == 0 || ct_len < SIV_TAG_LEN || used > len)
		return XNTS_V_drop_nts_malformed;

	s->ad_len = off;
	s->nonce_off = off + EF_HEADER + 4;
	s->nonce_len = nonce_len;
	s->nonce_room = pad4(nonce_len) + len - used;
	s->ct_off = s->nonce_off + pad4(nonce_len);
	s->ct_len = ct_len;
	return XNTS_NEXT;
}

static __always_inline int ef_take(struct xnts_scratch *s, __u32 type, __u32 off, __u32 len)
{
	switch (type) {
	case EF_TYPE_UNIQUE_ID:
		if (s->uid_off || len < EF_UNIQUE_ID_MIN)
			return XNTS_V_drop_nts_malformed;
		s->uid_off = off;
		s->uid_len = len;
		return XNTS_NEXT;
	case EF_TYPE_COOKIE:
		if (s->cookie_off)
			return XNTS_V_drop_nts_malformed;
		s->cookie_off = off + EF_HEADER;
		s->cookie_len = len - EF_HEADER;
		return XNTS_NEXT;
	case EF_TYPE_PLACEHOLDER:
		/* One of another length than our cookies promises us nothing. */
		if (len == EF_HEADER + XNTS_COOKIE_LEN)
			s->placeholders++;
		return XNTS_NEXT;
	case EF_TYPE_AUTHENTICATOR:
		return ef_authenticator(s, off, len);
	default:
		return XNTS_NEXT; /* unknown fields are ignored */
	}
}

/* What follows the last field, or the header, and is too short for one. */
static __always_inline int ef_trailer(__u32 len)
{
	if (len == CRYPTO_NAK_LEN)
		return XNTS_V_drop_crypto_nak;
	if (len == 20 || len == 24) /* key id, MD5 or SHA-1 digest: nobody we know */
		return XNTS_NEXT;
	return XNTS_V_drop_malformed;
}

/*
 * Finds the NTS fields of the request in s->request, request_len bytes long.
 * What follows the authenticator is not authenticated and not looked at
 * (RFC 8915 5.7).  Returns XNTS_NEXT, or the verdict on a broken packet.
 */
XNTS_GLOBAL int ef_walk(struct xnts_scratch *s)
{
	__u32 off = sizeof(struct ntp_header);
	int i, v;

	if (!s)
		return XNTS_V_drop_internal;
	s->uid_off = s->uid_len = s->cookie_off = s->cookie_len = 0;
	s->ad_len = s->placeholders = 0;

	for (i = 0; i < EF_MAX && off != s->request_len; i++) {
		__u32 rest = s->request_len - off;
		__u32 len;

		if (rest > XNTS_MAX_PAYLOAD)
			return XNTS_V_drop_malformed;
		if (rest <= MAC_MAX)
			return ef_trailer(rest);
		len = buf_be16(&s->request, off + 2);
		if (len < EF_MIN || len % 4 || len > rest)
			return XNTS_V_drop_malformed;
		v = ef_take(s, buf_be16(&s->request, off), off, len);
		if (v != XNTS_NEXT || s->ad_len)
			return v;
		off += len;
	}
	return XNTS_NEXT;
}

/*
 * Counts placeholders among the opened fields at ct_off + SIV_TAG_LEN.  They have
 * no minimum length (RFC 8915 5.5).  0, or -EBADMSG when they are broken.
 */
XNTS_GLOBAL int ef_encrypted(struct xnts_scratch *s)
{
	__u32 off, end;
	int i;

	if (!s)
		return -EBADMSG;
	off = s->ct_off + SIV_TAG_LEN;
	end = s->ct_off + s->ct_len;
	for (i = 0; i < XNTS_MAX_PAYLOAD / EF_HEADER && off < end; i++) {
		__u32 len;

		if (end - off < EF_HEADER)
			return -EBADMSG;
		len = buf_be16(&s->request, off + 2);
		if (len < EF_HEADER || len % 4 || len > end - off)
			return -EBADMSG;
		if (buf_be16(&s->request, off) == EF_TYPE_PLACEHOLDER &&
		    len == EF_HEADER + XNTS_COOKIE_LEN)
			s->placeholders++;
		off += len;
	}
	return 0;
}

#endif /* XNTS_EF_H */
