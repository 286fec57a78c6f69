/* SPDX-License-Identifier: GPL-2.0 */
/* Wire formats: Ethernet, 802.1Q, IPv4, IPv6, UDP, NTP.  Members are in network byte order. */
#ifndef XNTS_WIRE_H
#define XNTS_WIRE_H

#include "port.h"

/* No member is wider than 32 bits: behind a 14-byte Ethernet header that is
 * all the alignment there is. */

#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_IPV6 0x86dd
#define ETH_TYPE_VLAN 0x8100 /* 802.1Q */
#define ETH_TYPE_SVLAN 0x88a8 /* 802.1ad */

struct eth_header {
	__be16 dst[3];
	__be16 src[3];
	__be16 type;
};

struct vlan_tag {
	__be16 tci;
	__be16 type;
};

#define IP_PROTO_UDP 17
#define IP4_DF 0x4000
#define IP4_MF_OFFSET 0x3fff /* more fragments, fragment offset */

struct ip4_header {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_len;
	__be16 id;
	__be16 frag;
	__u8 ttl;
	__u8 protocol;
	__sum16 checksum;
	__be32 src;
	__be32 dst;
};
_Static_assert(sizeof(struct ip4_header) == 20, "RFC 791");

struct ip6_header {
	__be32 version_class_flow;
	__be16 payload_len;
	__u8 next_header;
	__u8 hop_limit;
	__be32 src[4];
	__be32 dst[4];
};
_Static_assert(sizeof(struct ip6_header) == 40, "RFC 8200");

struct udp_header {
	__be16 src;
	__be16 dst;
	__be16 len; /* header included */
	__sum16 checksum;
};

enum ntp_mode {
	NTP_MODE_UNSPECIFIED = 0, /* in version 1 every packet, RFC 1059 */
	NTP_MODE_ACTIVE = 1,
	NTP_MODE_PASSIVE = 2,
	NTP_MODE_CLIENT = 3,
	NTP_MODE_SERVER = 4,
	NTP_MODE_BROADCAST = 5,
	NTP_MODE_CONTROL = 6,
	NTP_MODE_PRIVATE = 7,
};

#define NTP_LI_UNSYNCHRONISED 3
#define NTP_PORT 123
#define NTP_KISS_NTSN 0x4e54534e /* "NTSN", RFC 8915 5.7 */

struct ntp_timestamp {
	__be32 seconds;  /* since 1900, modulo 2^32 */
	__be32 fraction; /* 2^-32 s */
};

#define NTP_KISS_RATE 0x52415445 /* "RATE", RFC 5905 7.4 */

/* RFC 5905 7.3 */
struct ntp_header {
	__u8 li_vn_mode;
	__u8 stratum;
	__s8 poll;
	__s8 precision;
	__be32 root_delay;      /* 2^-16 s */
	__be32 root_dispersion; /* 2^-16 s */
	__be32 reference_id;
	struct ntp_timestamp reference;
	struct ntp_timestamp origin;
	struct ntp_timestamp receive;
	struct ntp_timestamp transmit;
};
_Static_assert(sizeof(struct ntp_header) == 48, "RFC 5905");

static __always_inline __u8 ntp_version(const struct ntp_header *ntp)
{
	return (ntp->li_vn_mode >> 3) & 7;
}

static __always_inline __u8 ntp_mode(const struct ntp_header *ntp)
{
	return ntp->li_vn_mode & 7;
}

static __always_inline __u8 ntp_first_byte(__u8 leap, __u8 version, __u8 mode)
{
	return (leap & 3) << 6 | (version & 7) << 3 | (mode & 7);
}

/* Extension fields: RFC 7822, RFC 8915 5.1.  Lengths include the 4-byte header. */
#define EF_HEADER 4
#define EF_MIN 16            /* of an unencrypted field */
#define EF_TYPE_UNIQUE_ID 0x0104
#define EF_TYPE_COOKIE 0x0204
#define EF_TYPE_PLACEHOLDER 0x0304
#define EF_TYPE_AUTHENTICATOR 0x0404
#define EF_UNIQUE_ID_MIN (EF_HEADER + 32)
#define MAC_MAX 24           /* a trailer this short is no extension field, RFC 7822 7.5 */
#define CRYPTO_NAK_LEN 4

#define SIV_TAG_LEN 16
#define NONCE_REQUIRED 16    /* RFC 8915 5.6: min(16, N_MAX) of AEAD_AES_SIV_CMAC_256 */

#endif /* XNTS_WIRE_H */
