/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the client's end of a veth pair needs so that it behaves like a wire.
 * `pass` makes veth deliver frames that the other end sends with XDP_TX.
 * `push` and `pop` put NTP requests into VLAN 7 and take the tag off the answers,
 * for kernels without 8021q; ARP, TCP and the rest stay untagged.
 */
#include "../../vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_P_8021Q 0x8100
#define VLAN_ID 7
#define TC_ACT_OK 0
#define PROTO_UDP 17
#define NTP_PORT 123

/* The beginning of the UAPI struct, as far as it is used. */
struct __sk_buff {
	__u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present;
};

/* [0]: tags put on, [1]: taken off.  So that a test sees that tags were there. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} tags SEC(".maps");

static __always_inline void count(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&tags, &which);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

static __always_inline bool to_ntp(struct __sk_buff *skb)
{
	__be16 type, port;
	__u8 proto;
	__u32 l4;

	if (bpf_skb_load_bytes(skb, 12, &type, sizeof(type)))
		return false;
	l4 = type == bpf_htons(ETH_P_IP) ? 14 + 20 : 14 + 40;
	if (type != bpf_htons(ETH_P_IP) && type != bpf_htons(ETH_P_IPV6))
		return false;
	if (bpf_skb_load_bytes(skb, l4 == 34 ? 23 : 20, &proto, sizeof(proto)) || proto != PROTO_UDP)
		return false;
	return !bpf_skb_load_bytes(skb, l4 + 2, &port, sizeof(port)) && port == bpf_htons(NTP_PORT);
}

SEC("tc/push")
int push(struct __sk_buff *skb)
{
	if (to_ntp(skb) && !bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), VLAN_ID))
		count(0);
	return TC_ACT_OK;
}

SEC("tc/pop")
int pop(struct __sk_buff *skb)
{
	if (skb->vlan_present && !bpf_skb_vlan_pop(skb))
		count(1);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
