/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XNTS_VERSION_H
#define XNTS_VERSION_H

#define XNTS_VERSION "0.1"

#endif /* XNTS_VERSION_H */
