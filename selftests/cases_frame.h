/* SPDX-License-Identifier: GPL-2.0 */
/* What the headers before NTP, and its first byte, decide. */
#ifndef XNTS_TEST_CASES_FRAME_H
#define XNTS_TEST_CASES_FRAME_H

#include "cases.h"

/* ---- not ours ----------------------------------------------------------- */

MAKE(arp) { p->eth_type = 0x0806; }
MAKE(ptp_eth) { p->eth_type = 0x88f7; }
MAKE(ipv4_as_ipv6) { p->eth_type = p->ip_version == 4 ? 0x86dd : 0x0800; }
MAKE(bad_ip_checksum) { p->lies = LIE_IP_CHECKSUM; }
MAKE(ip_shorter_than_udp_header) { p->ip_len_add = -(NTP_LEN + 1); }
MAKE(three_tags)
{
	packet_vlan(p, 0x88a8, 7);
	packet_vlan(p, 0x8100, 8);
	packet_vlan(p, 0x8100, 9);
}
MAKE(ip_options) { p->ihl = 6; }
MAKE(ip_options_most) { p->ihl = 15; }
MAKE(first_fragment) { p->frag = 0x2000; }
MAKE(later_fragment) { p->frag = 0x00b9; }
MAKE(last_offset) { p->frag = 0x1fff; }
MAKE(tcp) { p->protocol = 6; }
MAKE(icmp) { p->protocol = p->ip_version == 4 ? 1 : 58; }
MAKE(hop_by_hop) { p->protocol = 0; }
MAKE(routing) { p->protocol = 43; }
MAKE(fragment6) { p->protocol = 44; }
MAKE(auth_header) { p->protocol = 51; }
MAKE(dest_options) { p->protocol = 60; }
MAKE(mobility) { p->protocol = 135; }
MAKE(dns) { p->dport = 53; }
MAKE(port_zero) { p->dport = 0; }
MAKE(port_swapped) { p->dport = 123 << 8; }
MAKE(our_client_port) { p->sport = 123; p->dport = 40123; }
MAKE(other_mac) { p->dst_mac[5] ^= 2; }
MAKE(broadcast_mac) { memset(p->dst_mac, 0xff, 6); }
MAKE(multicast_mac) { p->dst_mac[0] |= 1; }
MAKE(zero_mac) { memset(p->dst_mac, 0, 6); }
MAKE(forwarded) { p->dst[p->ip_version == 4 ? 3 : 15] ^= 2; }
MAKE(broadcast) { memset(p->dst, 0xff, 4); }
MAKE(multicast)
{
	static const uint8_t ntp4[4] = { 224, 0, 1, 1 }, ntp6[16] = { 0xff, 0x02, [14] = 1, 1 };

	memcpy(p->dst, p->ip_version == 4 ? ntp4 : ntp6, packet_addr_len(p));
}
MAKE(fib_of_nothing) { w->config.flags = XNTS_FIB; }
MAKE(mode2) { p->payload[0] = 0x22; }
MAKE(mode4) { p->payload[0] = 0x24; }
MAKE(mode4_v7) { p->payload[0] = 0x3c; }
MAKE(mode4_under_drop) { p->payload[0] = 0x24; w->switch_word = XNTS_DROP; }
MAKE(mode2_one_byte) { p->payload[0] = 0x22; p->payload_len = 1; }
MAKE(mode1_to_host) { p->payload[0] = 0x21; w->config.flags = XNTS_PASS_SYMMETRIC; }
MAKE(mode6_to_host) { p->payload[0] = 0x26; w->config.flags = XNTS_PASS_CONTROL; }
MAKE(mode7_to_host) { p->payload[0] = 0x27; w->config.flags = XNTS_PASS_CONTROL; }

/* ---- the operator's switch, and maps not filled -------------------------- */

MAKE(switch_pass) { w->switch_word = XNTS_PASS; }
MAKE(switch_drain) { w->switch_word = XNTS_DRAIN; }
MAKE(switch_unknown) { w->switch_word = 77; }
MAKE(switch_pass_control) { w->switch_word = XNTS_PASS; p->payload[0] = 0x26; }
MAKE(switch_pass_empty) { w->switch_word = XNTS_PASS; p->payload_len = 0; }
MAKE(switch_pass_short) { w->switch_word = XNTS_PASS; p->payload_len = 20; }
MAKE(switch_drop) { w->switch_word = XNTS_DROP; }
MAKE(no_config) { memset(&w->config, 0, sizeof(w->config)); }
MAKE(other_abi) { w->config.abi_version++; }

/* ---- refused ------------------------------------------------------------ */

MAKE(mode0_v4) { p->payload[0] = 0x20; }
MAKE(mode0_v1_port123) { p->payload[0] = 0x08; p->sport = 123; }
MAKE(mode5) { p->payload[0] = 0x25; }
MAKE(mode6) { p->payload[0] = 0x16; p->payload_len = 12; }
MAKE(mode7) { p->payload[0] = 0x17; p->payload_len = 8; }
MAKE(version0) { p->payload[0] = 0x03; }
MAKE(version5) { p->payload[0] = 0x2b; }
MAKE(version6) { p->payload[0] = 0x33; }
MAKE(version7) { p->payload[0] = 0x39; }
MAKE(source_port_zero) { p->sport = 0; }
MAKE(source_multicast_mac) { p->src_mac[0] |= 1; }
MAKE(source_broadcast_mac) { memset(p->src_mac, 0xff, 6); }
MAKE(source_is_destination) { memcpy(p->src, p->dst, 16); }

static void make_source(struct packet *p, const uint8_t *addr)
{
	memcpy(p->src, addr, packet_addr_len(p));
}

#define SOURCE(name, ...) \
	MAKE(name) { make_source(p, (const uint8_t[16])__VA_ARGS__); }

SOURCE(source_anyip, { 203, 0, 113, 200 })
SOURCE(source_loopback, { 127, 1, 2, 3 })
SOURCE(source_this_net, { 0, 0, 0, 0 })
SOURCE(source_this_net_host, { 0, 9, 9, 9 })
SOURCE(source_multicast, { 224, 0, 1, 1 })
SOURCE(source_multicast_last, { 239, 255, 255, 255 })
SOURCE(source_class_e, { 240, 0, 0, 1 })
SOURCE(source_broadcast, { 255, 255, 255, 255 })
SOURCE(source6_anyip, { 0x20, 0x01, 0x0d, 0xb8, 0, 5, [15] = 9 })
SOURCE(source6_unspecified, { 0 })
SOURCE(source6_loopback, { [15] = 1 })
SOURCE(source6_mapped, { [10] = 0xff, 0xff, 198, 51, 100, 1 })
SOURCE(source6_multicast, { 0xff, 0x02, [15] = 1 })
SOURCE(source6_link_local, { 0xfe, 0x80, [8] = 2, 0, 0, 0xff, 0xfe, 0, 0, 0x77 })
SOURCE(source_class_a, { 126, 255, 255, 254 })
SOURCE(source_class_c_last, { 223, 255, 255, 254 })

MAKE(no_udp_checksum) { p->lies = LIE_NO_UDP_CHECKSUM; }
MAKE(partial_udp_checksum) { p->lies = LIE_UDP_CHECKSUM; }
MAKE(empty) { p->payload_len = 0; }
MAKE(one_byte) { p->payload_len = 1; }
MAKE(bytes47) { p->payload_len = 47; }
MAKE(udp_longer_than_ip) { p->udp_len_add = 1; }
MAKE(udp_len_most) { p->udp_len_add = 65535 - 8 - NTP_LEN; }
MAKE(udp_len_below_header) { p->udp_len_add = 7 - 8 - NTP_LEN; }
MAKE(udp_len_zero) { p->udp_len_add = -8 - NTP_LEN; }
MAKE(ip_longer_than_frame) { p->ip_len_add = 1; }
MAKE(ip_and_udp_longer) { p->ip_len_add = p->udp_len_add = 4; }
MAKE(ip_cuts_header) { p->ip_len_add = p->udp_len_add = -1; }
MAKE(payload_1473) { p->payload_len = 1473; }
MAKE(one_tag) { packet_vlan(p, 0x8100, 0x6123); }
MAKE(one_stag) { packet_vlan(p, 0x88a8, 5); }
MAKE(two_tags) { packet_vlan(p, 0x88a8, 5); packet_vlan(p, 0x8100, 0xe064); }
MAKE(ethernet_padding) { p->padding = 18; }
MAKE(long_padding) { p->padding = 1000; }
MAKE(udp_shorter_than_ip) { packet_add(p, "padding", 7); p->udp_len_add = -7; }
MAKE(dscp_ecn) { p->tos = 0xbb; }
MAKE(all_dscp_ecn) { p->tos = 0xff; p->flow = 0xfffff; }
MAKE(evil_bit) { p->frag = 0x8000; }
MAKE(second_port) { p->dport = WORLD_PORT2; }
MAKE(second_mac) { memcpy(p->dst_mac, (const uint8_t[6])WORLD_MAC_VRRP, 6); }
MAKE(anyip)
{
	static const uint8_t any4[4] = { 203, 0, 113, 9 };
	static const uint8_t any6[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 5, [7] = 3, [15] = 1 };

	memcpy(p->dst, p->ip_version == 4 ? any4 : any6, packet_addr_len(p));
}
MAKE(from_port_123) { p->sport = 123; }

static const struct test_case frame_cases[] = {
	CASE(pass_not_ip, plain, "runt: empty Ethernet frame", .flags = ONLY4 | TINY, .cut = 90 - 13),
	CASE(pass_not_ip, plain, "Ethernet header alone", .flags = ONLY4, .cut = 90 - 14),
	CASE(pass_not_ip, plain, "IPv4 header cut", .flags = ONLY4, .cut = 90 - 33),
	CASE(pass_not_ip, plain, "IPv6 header cut", .flags = ONLY6, .cut = 110 - 53),
	CASE(pass_not_ip, plain, "UDP header cut", .cut = NTP_LEN + 1),
	CASE(pass_not_ip, one_tag, "VLAN tag cut", .flags = ONLY4, .cut = 94 - 17),
	CASE(pass_not_ip, arp, "ARP"),
	CASE(pass_not_ip, ptp_eth, "PTP over Ethernet"),
	CASE(pass_not_ip, ipv4_as_ipv6, "IP of the other version"),
	CASE(pass_not_ip, bad_ip_checksum, "IPv4 checksum wrong", .flags = ONLY4),
	CASE(pass_not_ip, ip_shorter_than_udp_header, "IP ends within the UDP header"),
	CASE(pass_not_ip, three_tags, "three VLAN tags"),
	CASE(pass_ip_options, ip_options, "IPv4 options", .flags = ONLY4),
	CASE(pass_ip_options, ip_options_most, "IPv4 with 40 bytes of options", .flags = ONLY4),
	CASE(pass_ip_options, hop_by_hop, "hop-by-hop options", .flags = ONLY6),
	CASE(pass_ip_options, routing, "routing header", .flags = ONLY6),
	CASE(pass_ip_options, fragment6, "fragment header", .flags = ONLY6),
	CASE(pass_ip_options, auth_header, "authentication header", .flags = ONLY6),
	CASE(pass_ip_options, dest_options, "destination options", .flags = ONLY6),
	CASE(pass_ip_options, mobility, "mobility header", .flags = ONLY6),
	CASE(pass_fragment, first_fragment, "first fragment", .flags = ONLY4),
	CASE(pass_fragment, later_fragment, "later fragment", .flags = ONLY4),
	CASE(pass_fragment, last_offset, "fragment at the last offset", .flags = ONLY4),
	CASE(pass_not_udp, tcp, "TCP"),
	CASE(pass_not_udp, icmp, "ICMP"),
	CASE(pass_other_port, dns, "DNS"),
	CASE(pass_other_port, port_zero, "port 0 is no entry of ours"),
	CASE(pass_other_port, port_swapped, "port 123 in the wrong byte order"),
	CASE(pass_other_port, our_client_port, "to a client of this host"),
	CASE(pass_other_mac, other_mac, "other MAC"),
	CASE(pass_other_mac, broadcast_mac, "broadcast MAC"),
	CASE(pass_other_mac, multicast_mac, "multicast MAC"),
	CASE(pass_other_mac, zero_mac, "zero MAC is no entry of ours"),
	CASE(pass_not_local, forwarded, "forwarded: not our address"),
	CASE(pass_not_local, broadcast, "to 255.255.255.255", .flags = ONLY4),
	CASE(pass_not_local, multicast, "to the NTP multicast group"),
	CASE(pass_no_route, fib_of_nothing, "next hop by fib, no route"),
	CASE(pass_mode, mode2, "mode 2"),
	CASE(pass_mode, mode4, "mode 4"),
	CASE(pass_mode, mode4_v7, "mode 4, version 7"),
	CASE(pass_mode, mode4_under_drop, "mode 4 under kill switch drop"),
	CASE(pass_mode, mode2_one_byte, "mode 2, a single byte"),
	CASE(pass_mode, mode1_to_host, "mode 1 left to the host"),
	CASE(pass_mode, mode6_to_host, "mode 6 left to the host"),
	CASE(pass_mode, mode7_to_host, "mode 7 left to the host"),
	CASE(pass_switch, switch_pass, "kill switch: pass"),
	CASE(plain_answered, switch_drain, "kill switch: drain"),
	CASE(pass_switch, switch_unknown, "kill switch: unknown word"),
	CASE(pass_switch, switch_pass_control, "kill switch: pass, mode 6"),
	CASE(pass_switch, switch_pass_empty, "kill switch: pass, no payload"),
	CASE(pass_switch, switch_pass_short, "kill switch: pass, short"),
	CASE(drop_switch, switch_drop, "kill switch: drop"),
	CASE(pass_no_config, no_config, "no config"),
	CASE(pass_no_config, other_abi, "config of another ABI"),
	CASE(drop_mode, mode0_v4, "mode 0"),
	CASE(drop_mode, mode0_v1_port123, "mode 0 of version 1 from port 123"),
	CASE(drop_mode, mode5, "mode 5"),
	CASE(drop_mode, mode6, "mode 6"),
	CASE(drop_mode, mode7, "mode 7"),
	CASE(drop_version, version0, "version 0"),
	CASE(drop_version, version5, "version 5"),
	CASE(drop_version, version6, "version 6"),
	CASE(drop_version, version7, "version 7, mode 1"),
	CASE(drop_source, source_port_zero, "source port 0"),
	CASE(drop_source, source_multicast_mac, "source's MAC is multicast"),
	CASE(drop_source, source_broadcast_mac, "source's MAC is broadcast"),
	CASE(drop_source, source_is_destination, "source is the destination"),
	CASE(drop_source, source_anyip, "source is another address of ours", .flags = ONLY4),
	CASE(drop_source, source_loopback, "source 127.1.2.3", .flags = ONLY4),
	CASE(drop_source, source_this_net, "source 0.0.0.0", .flags = ONLY4),
	CASE(drop_source, source_this_net_host, "source 0.9.9.9", .flags = ONLY4),
	CASE(drop_source, source_multicast, "source 224.0.1.1", .flags = ONLY4),
	CASE(drop_source, source_multicast_last, "source 239.255.255.255", .flags = ONLY4),
	CASE(drop_source, source_class_e, "source 240.0.0.1", .flags = ONLY4),
	CASE(drop_source, source_broadcast, "source 255.255.255.255", .flags = ONLY4),
	CASE(drop_source, source6_anyip, "source is another address of ours", .flags = ONLY6),
	CASE(drop_source, source6_unspecified, "source ::", .flags = ONLY6),
	CASE(drop_source, source6_loopback, "source ::1", .flags = ONLY6),
	CASE(drop_source, source6_mapped, "source ::ffff:198.51.100.1", .flags = ONLY6),
	CASE(drop_source, source6_multicast, "source ff02::1", .flags = ONLY6),
	CASE(drop_checksum, no_udp_checksum, "no UDP checksum over IPv6", .flags = ONLY6),
	CASE(drop_malformed, empty, "no payload"),
	CASE(drop_malformed, one_byte, "one byte"),
	CASE(drop_malformed, bytes47, "47 bytes"),
	CASE(drop_malformed, udp_longer_than_ip, "UDP longer than IP"),
	CASE(drop_malformed, udp_len_most, "UDP length 65535"),
	CASE(drop_malformed, udp_len_below_header, "UDP length 7"),
	CASE(drop_malformed, udp_len_zero, "UDP length 0"),
	CASE(drop_malformed, ip_longer_than_frame, "IP longer than the frame"),
	CASE(drop_malformed, ip_and_udp_longer, "IP and UDP longer than the frame"),
	CASE(drop_malformed, ip_cuts_header, "IP and UDP end within the header"),
	CASE(drop_malformed, plain, "frame ends within the header", .cut = 1),
	CASE(drop_malformed, payload_1473, "1473 bytes"),
	CASE(plain_answered, source_class_a, "source 126.255.255.254", .flags = ONLY4),
	CASE(plain_answered, source_class_c_last, "source 223.255.255.254", .flags = ONLY4),
	CASE(plain_answered, source6_link_local, "source link-local", .flags = ONLY6),
	CASE(plain_answered, no_udp_checksum, "no UDP checksum over IPv4", .flags = ONLY4),
	CASE(plain_answered, partial_udp_checksum, "UDP checksum left to the NIC"),
	CASE(plain_answered, one_tag, "802.1Q tag"),
	CASE(plain_answered, one_stag, "802.1ad tag"),
	CASE(plain_answered, two_tags, "802.1ad and 802.1Q tag"),
	CASE(plain_answered, ethernet_padding, "Ethernet padding"),
	CASE(plain_answered, long_padding, "1000 bytes behind the packet"),
	CASE(plain_answered, udp_shorter_than_ip, "UDP shorter than IP"),
	CASE(plain_answered, dscp_ecn, "DSCP 46, congestion experienced"),
	CASE(plain_answered, all_dscp_ecn, "all of DSCP, ECN and flow label set"),
	CASE(plain_answered, evil_bit, "reserved flag", .flags = ONLY4),
	CASE(plain_answered, second_port, "to the second port"),
	CASE(plain_answered, second_mac, "to a virtual router's MAC"),
	CASE(plain_answered, anyip, "to an AnyIP prefix"),
	CASE(plain_answered, from_port_123, "from port 123"),
};

#endif /* XNTS_TEST_CASES_FRAME_H */
