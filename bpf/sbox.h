/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SubBytes (FIPS 197 5.1.1) on bits: the circuit of Boyar and Peralta (eprint 2011/332, with the
 * bottom layer of their later SLP_AES_113: 32 AND, 81 XOR), without its four NOTs.  They are
 * 0x63 in every byte, pass through MixColumns unchanged and are added to the round keys
 * instead.
 *
 * BPF has ten registers besides the stack's, one is left for the caller, and an instruction
 * overwrites its first operand: so the order of the gates decides how many values wait in memory
 * or are copied.  This order, and what waits where, was found by simulated annealing: 187
 * instructions, where clang made 250 of the paper's order.  A pass takes an eighth less.
 */
#ifndef XNTS_SBOX_H
#define XNTS_SBOX_H

#include "port.h"

#define SBOX_WORDS 17 /* of memory: the state's eight, and what waits */

/* d = a op b, in the place of a. */
#define GATE(d, a, op, b)  \
	__u64 d = (a);      \
	XNTS_INTO(d, op, b)

#define LOAD(d, from)      \
	__u64 d = (from);  \
	XNTS_OPAQUE(d)

/*
 * x, eight words, to the first eight of q; x may be q.  x0 is bit 7, s0 too.  Names are the
 * circuit's where it has them, a and b are its sums' first steps; y14_2 is y14 loaded again.
 */
/* clang-format off */
static __always_inline void sub_bytes(__u64 q[SBOX_WORDS], const __u64 *x)
{
	LOAD(x1, x[6]); LOAD(x2, x[5]); GATE(t0, x2, ^, x1); LOAD(x3, x[4]); LOAD(x5, x[2]);
	GATE(y14, x5, ^, x3); LOAD(x0, x[7]); LOAD(x6, x[1]); GATE(y13, x6, ^, x0);
	GATE(y12, y13, ^, y14); GATE(y9, x3, ^, x0); LOAD(x4, x[3]); GATE(t1, x4, ^, y12);
	GATE(y20, x1, ^, t1); LOAD(x5_2, x[2]); GATE(y15, t1, ^, x5_2); q[2] = y12;
	GATE(t2, y12, &, y15); GATE(y8, x5_2, ^, x0); q[3] = y15; GATE(y10, y15, ^, t0); q[5] = y20;
	GATE(y11, y20, ^, y9); q[6] = y8; GATE(a8, y8, &, y10); q[8] = y10; GATE(y17, y10, ^, y11);
	q[9] = y17; GATE(a14, y17, &, y14); q[10] = y9; GATE(t12, y9, &, y11); q[11] = y11;
	GATE(y16, y11, ^, t0); GATE(t14, a14, ^, t12); GATE(t16, a8, ^, t12); LOAD(x7, x[0]);
	GATE(y1, t0, ^, x7); q[12] = y14; LOAD(y15_2, q[3]); GATE(y6, y15_2, ^, x7); q[13] = y6;
	LOAD(y11_2, q[11]); GATE(y7, y11_2, ^, x7); GATE(y2, x0, ^, y1); q[14] = y13;
	GATE(t7, y13, &, y16); q[15] = y7; GATE(a2, y7, &, y2); q[16] = y2; LOAD(x3_2, x[4]);
	GATE(y4, x3_2, ^, y1); GATE(t11, a2, ^, t7); GATE(a4, x7, &, y4); GATE(t6, a4, ^, t2);
	GATE(b22, t6, ^, t16); q[4] = y4; LOAD(x6_2, x[1]); GATE(y5, x6_2, ^, y1); q[1] = y1;
	GATE(a5, y1, &, y5); GATE(b24, t11, ^, t16); GATE(t9, a5, ^, t7); LOAD(y8_2, q[6]);
	LOAD(y10_2, q[8]); GATE(y19, y10_2, ^, y8_2); GATE(t22, b22, ^, y19); GATE(y3, y8_2, ^, y5);
	LOAD(x0_2, x[7]); GATE(y18, x0_2, ^, y16); GATE(t24, b24, ^, y18); LOAD(y13_2, q[14]);
	GATE(y21, y13_2, ^, y16); GATE(b23, t9, ^, t14); GATE(t23, b23, ^, y21); LOAD(y6_2, q[13]);
	GATE(a3, y6_2, &, y3); GATE(t4, a3, ^, t2); GATE(t30, t23, ^, t24); GATE(b21, t4, ^, t14);
	LOAD(y20_2, q[5]); GATE(t21, b21, ^, y20_2); GATE(t25, t21, ^, t22); GATE(t26, t21, &, t23);
	q[5] = t22; GATE(t31, t22, ^, t26); GATE(t27, t26, ^, t24); GATE(t32, t31, &, t30);
	GATE(t33, t32, ^, t24); GATE(t34, t27, ^, t33); GATE(t36, t24, &, t34);
	GATE(b37, t23, ^, t36); GATE(t38, t36, ^, t27); GATE(t28, t27, &, t25);
	GATE(t37, b37, ^, t33); LOAD(t22_2, q[5]); GATE(t29, t28, ^, t22_2); GATE(t39, t38, &, t29);
	GATE(t40, t25, ^, t39); GATE(z13, y5, &, t40); GATE(t43, t29, ^, t40);
	GATE(z3, y16, &, t43); LOAD(y13_3, q[14]); GATE(z12, t43, &, y13_3); LOAD(y1_2, q[1]);
	GATE(z4, y1_2, &, t40); GATE(t41, t40, ^, t37); GATE(tc6, z4, ^, z3); q[1] = z12;
	LOAD(y2_2, q[16]); GATE(z14, y2_2, &, t29); GATE(z10, y3, &, t37); q[5] = z14;
	LOAD(y7_2, q[15]); GATE(z5, y7_2, &, t29); GATE(tc12, z3, ^, z5); GATE(t42, t29, ^, t33);
	LOAD(y9_2, q[10]); GATE(z15, y9_2, &, t42); q[7] = t41; GATE(t45, t41, ^, t42);
	q[10] = tc12; LOAD(y14_2, q[12]); GATE(z16, y14_2, &, t45); GATE(tc1, z16, ^, z15);
	GATE(tc13, z13, ^, tc1); q[12] = z15; LOAD(y17_2, q[9]); GATE(z7, t45, &, y17_2);
	LOAD(y11_3, q[11]); GATE(z6, t42, &, y11_3); GATE(tc2, z10, ^, tc1); LOAD(y6_3, q[13]);
	GATE(z1, y6_3, &, t37); GATE(t44, t37, ^, t33); LOAD(y15_3, q[3]); GATE(z0, y15_3, &, t44);
	GATE(tc5, z1, ^, z0); GATE(tc8, z7, ^, tc6); GATE(tc11, tc6, ^, tc5); LOAD(y12_2, q[2]);
	GATE(z9, t44, &, y12_2); LOAD(y4_2, q[4]); GATE(z11, y4_2, &, t33); GATE(tc21, z11, ^, tc2);
	GATE(tc3, z9, ^, tc2); GATE(s3, tc11, ^, tc3); q[4] = s3; LOAD(x7_2, x[0]);
	GATE(z2, t33, &, x7_2); GATE(tc4, z0, ^, z2); LOAD(tc12_2, q[10]);
	GATE(tc14, tc12_2, ^, tc4); GATE(tc18, tc13, ^, tc14); LOAD(z12_2, q[1]);
	GATE(tc7, tc4, ^, z12_2); GATE(s7, z12_2, ^, tc18); q[0] = s7; GATE(s4, tc14, ^, s3);
	q[3] = s4; LOAD(t41_2, q[7]); LOAD(y10_3, q[8]); GATE(z8, y10_3, &, t41_2);
	GATE(tc9, z8, ^, tc7); GATE(tc16, z6, ^, tc8); GATE(tc10, tc8, ^, tc9); LOAD(z15_2, q[12]);
	GATE(tc20, z15_2, ^, tc16); GATE(s6, tc18, ^, tc10); q[1] = s6; LOAD(z14_2, q[5]);
	GATE(tc17, tc10, ^, z14_2); GATE(s5, tc21, ^, tc17); q[2] = s5; GATE(tc26, tc17, ^, tc20);
	LOAD(y8_3, q[6]); GATE(z17, t41_2, &, y8_3); GATE(s1, s3, ^, tc16); q[6] = s1;
	GATE(s0, tc3, ^, tc16); q[7] = s0; GATE(s2, tc26, ^, z17); q[5] = s2;
}
/* clang-format on */

#undef GATE
#undef LOAD

#endif /* XNTS_SBOX_H */
