/* -bs: SMTP on descriptors 0 and 1, spoken by smtpd's submit socket. */
#ifndef DELIVER_PUMP_H
#define DELIVER_PUMP_H

#include "lib/base/config.h"

/*
 * Carry octets both ways until the server closes; the end of our input is
 * passed on.  The exit code for main(); with no server the client is told
 * 421.
 */
int	 pump_run(const struct config *);

#endif
