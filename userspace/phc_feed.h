/* SPDX-License-Identifier: GPL-2.0 */
/* Keeps the map `phc` current: each bound interface's PHC against CLOCK_TAI. */
#ifndef XNTS_PHC_FEED_H
#define XNTS_PHC_FEED_H

#include <stdint.h>

struct phc_feed; /* NULL: empty */

/*
 * Reads the PHC of each interface that has an entry in the map, and publishes the mapping,
 * correction (ns, added to the stamps) included.  Once a second, a few microseconds a NIC.
 */
void phc_feed_refresh(struct phc_feed **feed, int phc_fd, int32_t correction);
void phc_feed_free(struct phc_feed *feed);

#endif /* XNTS_PHC_FEED_H */
