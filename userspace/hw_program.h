/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The entry xnts_hw, which reads the NIC's receive stamps: loaded once for each interface, as it
 * is bound to the device.  The caller holds the pins' lock.
 */
#ifndef XNTS_HW_PROGRAM_H
#define XNTS_HW_PROGRAM_H

#include "dataplane_priv.h"

/*
 * The program bound to the interface; made, and the NIC's stamps enabled, if it is not there yet.
 * Returns the descriptor, which stays this file's, and its id; or -errno: the interface is to be
 * served with software stamps, for a reason that was logged if an operator should know.  In generic
 * mode it always is: stamps that were enabled are given back.
 */
int hw_program(struct dataplane *dp, const char *ifname, uint32_t ifindex, enum config_mode mode,
	       uint32_t *id);

/* The kernel or the driver does not want it on the interface: not tried again, unless `err`, a
 * -errno, may pass. */
void hw_program_refuse(struct dataplane *dp, const char *ifname, uint32_t ifindex, int err);

/* Puts back the NIC's filter and forgets the interface's entry in the map `phc`. */
void hw_program_release(int phc_fd, const char *ifname, uint32_t ifindex);

/* Is the program bound to a device? */
bool hw_program_bound(uint32_t prog_id);

/* Closes all; what is attached goes on. */
void hw_programs_free(struct dataplane *dp);

#endif /* XNTS_HW_PROGRAM_H */
