/* SPDX-License-Identifier: GPL-2.0 */
#include "ntp_query.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>
