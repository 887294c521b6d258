/* The loop of pamd: who asks, and the processes that ask PAM. */
#ifndef PAMD_PAMD_H
#define PAMD_PAMD_H

#include "lib/base/config.h"

#define PAMD_HELPERS	8	/* passwords at once */
#define PAMD_QUEUE	256	/* waiting */
#define PAMD_LIMIT_MS	15000	/* for one, with its waiting */

/* Serve until SIGTERM; the exit code. */
int	 pamd_main(const struct config *);

#endif
